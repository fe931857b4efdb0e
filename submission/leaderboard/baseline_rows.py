"""Rows of conventional codecs: under the same set-level allocation, with the settings that their pictures got."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from decoder_pkg.decoder import write_png
from encoder.pictures import load_picture
from eval.baselines import code, installed, settings_text
from eval.leaderboard import Row
from eval.machine import provenance
from eval.metrics import Distortion, known_metrics
from eval.problems import Problem, warning
from eval.score import PictureScore, SetScore
from rate_control.allocation import InfeasibleBudget, TableAllocation, allocate_table

from ..seasons import Season
from .baseline_set import Tables


def fit_baselines(
    tables: Tables, target: str, budget: int, distortion: Distortion
) -> tuple[dict[str, TableAllocation], list[Problem]]:
    """The best allocation of each codec whose smallest files fit the budget, and why the others have none."""
    fitted, problems = {}, []
    for name, table in tables.items():
        try:
            fitted[name] = allocate_table(table, budget, distortion)
        except InfeasibleBudget as error:
            problems.append(warning(f"{name}/{target}", str(error)))
    return fitted, problems


def baseline_rows(fitted: Mapping[str, TableAllocation], rules: Season) -> list[Row]:
    """One row per codec, with the settings that its pictures got."""
    codecs, origin = {baseline.name: baseline for baseline in installed()}, provenance(len(os.sched_getaffinity(0)))
    rows = []
    for name, result in fitted.items():
        score = set_score(result, rules)
        settings = settings_text(codecs[name], result.chosen["settings"].tolist())
        size = result.allocation.bytes
        rows.append(Row(name, score.values, size, settings=settings, provenance=origin))
    return rows


def set_score(result: TableAllocation, rules: Season) -> SetScore:
    """The scores of an allocation's pictures, pooled as a season does."""
    columns = [metric.column for metric in known_metrics(result.chosen.columns)]
    rows = result.chosen[["image", "pixels", *columns]].to_dict("records")
    pictures = (PictureScore(row["image"], row["pixels"], {column: row[column] for column in columns}) for row in rows)
    return SetScore(tuple(pictures), rules.ms_ssim_by_pixels)


def write_decoded(name: str, result: TableAllocation, originals: Path, folder: Path) -> dict[str, Path]:
    """Codes every picture as a codec's allocation says, and writes what comes back as PNGs; returns them by name."""
    baseline = {row.name: row for row in installed()}[name]
    chosen = list(zip(result.chosen["image"], result.chosen["settings"], strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for picture, settings in tqdm(chosen, desc=name, unit="picture", leave=False):
        path = written[f"{picture}.png"] = folder / f"{picture}.png"
        write_png(path, code(baseline, load_picture(originals / path.name), settings)[1])
    return written
