"""The tuning report of an image set: bytes of each picture, and the gain of one Lagrange multiplier in dB."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.presets import Preset
from eval.machine import provenance
from eval.metrics import METRICS, SQUARED_ERROR, Distortion, known_metrics
from eval.pictures import pixels_of
from eval.progress import Progress

from .allocation import (
    Limits,
    TableAllocation,
    apply_limits,
    budget_bytes,
    compare_allocations,
    picture_values,
    write_table,
)
from .engines import Engine
from .jobs import expected_work, refinement
from .plots import plot_rates, plot_set_curve, set_curve
from .set_coder import SetCoder, SetResult


def picture_table(result: TableAllocation, budget: int) -> pd.DataFrame:
    """One row per picture: settings, bytes, rate, qualities, share of the budget."""
    chosen = result.chosen
    return pd.DataFrame(
        {
            "image": chosen["image"],
            "model": chosen["model"],
            "gain": chosen["gain"],
            "q": chosen["q"] / 128,
            "filters": chosen["filters"],
            "bytes": chosen["bytes"],
            "bpp": 8 * chosen["bytes"] / chosen["pixels"],
        }
        | {metric.name: picture_values(chosen, metric) for metric in known_metrics(chosen.columns)}
        | {"share": chosen["bytes"] / budget}
    )


def tune(
    zoo: Zoo,
    files: Sequence[Path],
    targets: Sequence[str],
    output: Path,
    distortion: Distortion,
    limits: Sequence[Limits],
    effort: Preset,
    engine: Engine,
    progress: Progress | None = None,
) -> str:
    """Codes a set for each target and writes tables and plots; returns what to print.

    Raises:
      PictureError: a picture cannot be coded.
      InfeasibleBudget: a target is too small.
      TableError: a limit leaves a picture without candidates.
    """
    models = zoo.bundle.digest.hex()
    origin = asdict(provenance(len(os.sched_getaffinity(0)), models))
    progress = progress or Progress()
    progress.expect({"encoding": expected_work(effort, len(targets)) * pixels_of(files) / 1e6})
    coder = SetCoder(zoo, files, CandidateCache(), distortion, limits, engine, progress)
    budgets = {target: budget_bytes(coder.pixels, target) for target in targets}
    refine = refinement(effort, distortion)
    coder.prepare(list(budgets.values()), refined=refine is not None)
    results, parts = {}, []
    for target, budget in budgets.items():
        filled = coder.fill(budget, refine, effort.saving)
        results[target] = filled.table
        write_table(picture_table(filled.table, budget).assign(**origin), output / f"pictures-{target}.csv")
        parts.append(_target_report(target, filled, budget))
    progress.close()
    parts.append(_compare(coder.table(), limits, distortion, results, output, origin))
    return "\n\n".join([*parts, f"tables and plots: {output}"])


def _target_report(target: str, filled: SetResult, budget: int) -> str:
    """What a target took and reached, picture by picture."""
    scores = ", ".join(METRICS[key].titled(value) for key, value in filled.table.values.items())
    return "\n\n".join(
        (
            f"target {target} bpp, {budget} bytes: {scores}\n{format_table(picture_table(filled.table, budget))}",
            f"archive of {len(filled.data)} bytes ({100 * len(filled.data) / budget:.3f} %)",
            summary(filled.table, budget),
        )
    )


def _compare(
    candidates: pd.DataFrame,
    limits: Sequence[Limits],
    distortion: Distortion,
    results: Mapping[str, TableAllocation],
    output: Path,
    origin: Mapping[str, Any],
) -> str:
    """Writes all candidates, the set's curve and plots, and compares three ways to spend the budgets."""
    write_table(candidates.assign(candidate=range(len(candidates)), **origin), output / "candidates.csv")
    allowed = apply_limits(candidates, limits)
    curve = set_curve(allowed, distortion)
    write_table(curve.assign(**origin), output / "curve.csv")
    plot_set_curve(curve, results, distortion, output / "curve.png")
    plot_rates(results, output / "rates.png")
    comparison = compare_allocations(allowed, list(results), distortion)
    write_table(comparison.assign(**origin), output / "comparison.csv")
    which = "these candidates within the limits" if limits else "these candidates"
    quality = f"{distortion.figure.name}{'' if distortion == SQUARED_ERROR else ', in decibels,'}"
    return f"{quality} of the set under three allocations of {which}:\n{format_table(comparison)}"


def summary(result: TableAllocation, budget: int) -> str:
    """One line about an allocation: bytes, Lagrange multiplier, gap."""
    allocation = result.allocation
    above = allocation.gap / allocation.distortion if allocation.distortion else 0.0
    return (
        f"{allocation.bytes} bytes for pictures ({100 * allocation.bytes / budget:.3f} % of {budget}), "
        f"Lagrange multiplier {allocation.multiplier:.4g} per byte, {100 * above:.4f} % above the bound"
    )


def format_table(table: pd.DataFrame) -> str:
    """A table for the terminal, four decimals."""
    return table.to_string(index=False, float_format=lambda value: f"{value:.4f}")
