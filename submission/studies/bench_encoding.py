"""Time of the presets on an image set: core-seconds a megapixel, with one thread and nothing in the cache."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from encoder.candidates import CandidateCache
from encoder.models import load_zoo
from encoder.prediction import sweep_settings
from encoder.presets import Preset
from eval.metrics import PSNR
from rate_control.allocation import TARGETS, budget_bytes
from rate_control.engines import Here
from rate_control.jobs import refinement
from rate_control.set_coder import SetCoder

SAMPLED = 4
"""Settings of each model that are coded to tell what coding all of them takes."""


def bench_presets(files: Sequence[Path], presets: Sequence[Preset]) -> None:
    """Prints what the three targets take under each preset, beside coding every setting of the sweep.

    Args:
      files: of the set.
      presets: to be measured.
    """
    whole = _sweep_seconds(files)
    print(f"{len(files)} pictures: every setting of every model {whole:.0f} core-seconds a megapixel")
    for preset in presets:
        seconds, coded, levels = _preset_seconds(files, preset)
        shown = " / ".join(f"{level:.3f}" for level in levels)
        print(
            f"  {preset.name}, {len(TARGETS)} targets: {seconds:.1f} core-seconds a megapixel, 1/{whole / seconds:.1f} "
            f"of that; {coded / len(files):.1f} candidates a picture; {shown} dB",
            flush=True,
        )


def _preset_seconds(files: Sequence[Path], preset: Preset) -> tuple[float, int, list[float]]:
    """Core-seconds a megapixel, candidates, and PSNR at each target."""
    with tempfile.TemporaryDirectory() as name:
        coder, started = SetCoder(load_zoo(), files, CandidateCache(Path(name)), engine=Here()), time.process_time()
        budgets, refine = [budget_bytes(coder.pixels, target) for target in TARGETS], refinement(preset)
        coder.prepare(budgets, refined=refine is not None)
        levels = [coder.fill(budget, refine, preset.saving).table.values[PSNR.key] for budget in budgets]
        return 1e6 * (time.process_time() - started) / coder.pixels, len(coder.table()), levels


def _sweep_seconds(files: Sequence[Path]) -> float:
    """Core-seconds a megapixel for all settings of the sweep, by some of them on the first picture."""
    with tempfile.TemporaryDirectory() as name:
        coder = SetCoder(load_zoo(), files[:1], CandidateCache(Path(name)), engine=Here())
        (picture,) = coder.pictures
        settings = sweep_settings(coder.zoo)
        sampled = settings[:: max(1, len(settings) // (SAMPLED * len(coder.zoo.models)))]
        started = time.process_time()
        coder.code({picture: sampled})
        share = len(sampled) / len(settings)
        return 1e6 * (time.process_time() - started) / share / picture.pixels
