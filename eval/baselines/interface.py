"""What a conventional codec is, as Pillow provides it: candidates over its quality settings."""

from __future__ import annotations

import copy
import importlib.metadata
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, features

from ..metrics import MS_SSIM, PSNR, Distortion, Metric, Pixels

TUNE, TUNINGS = "tune", {PSNR.key: "psnr", MS_SSIM.key: "ssim"}
"""Argument by which a codec is tuned, and its value by what alone is minimised."""


@dataclass(frozen=True)
class Baseline:
    """A conventional codec.

    Attributes:
      name: as the leaderboard shows it.
      format: Pillow's name of the format.
      settings: keyword arguments of Image.save, one set per candidate.
      library: Pillow's name of the library behind the format, or the package of the plugin that brings it.
      module: of the plugin; empty where Pillow itself knows the format.
    """

    name: str
    format: str
    settings: tuple[dict[str, Any], ...]
    library: str
    module: str = ""

    @property
    def version(self) -> str:
        """Version of the library; empty where it is not installed."""
        if not self.module:
            return features.version(self.library) or ""
        try:
            return importlib.metadata.version(self.library)
        except importlib.metadata.PackageNotFoundError:
            return ""


def sweep(qualities: Sequence[int], *choices: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Every quality with every choice of the other arguments."""
    return tuple({"quality": quality} | choice for choice in choices for quality in qualities)


def tuned(baseline: Baseline, distortion: Distortion) -> Baseline:
    """A codec as it serves what is minimised: for PSNR, or for SSIM where it can be tuned and MS-SSIM alone counts."""
    tuning = TUNINGS.get("".join(distortion.keys), TUNINGS[PSNR.key])
    return replace(baseline, settings=tuple(_with_tuning(settings, tuning) for settings in baseline.settings))


def _with_tuning(settings: Mapping[str, Any], tuning: str) -> dict[str, Any]:
    nested = {name: _with_tuning(value, tuning) for name, value in settings.items() if isinstance(value, dict)}
    return {**settings, **nested} | ({TUNE: tuning} if TUNE in settings else {})


@dataclass(frozen=True)
class BaselineCandidate:
    """One file a codec made of one picture, and its losses by the metrics' columns."""

    settings: dict[str, Any]
    bytes: int
    losses: dict[str, float]


def code(baseline: Baseline, pixels: Pixels, settings: Mapping[str, Any]) -> tuple[bytes, Pixels]:
    """The file that a codec makes of a picture [H, W, 3] uint8, and what it decodes to."""
    stream = io.BytesIO()
    # Plugins change the arguments they get.
    Image.fromarray(pixels).save(stream, format=baseline.format, **copy.deepcopy(dict(settings)))
    with Image.open(stream) as decoded:
        return stream.getvalue(), np.asarray(decoded.convert("RGB"))


def baseline_candidates(baseline: Baseline, pixels: Pixels, metrics: Sequence[Metric]) -> Iterator[BaselineCandidate]:
    """Encodes and decodes a picture [H, W, 3] uint8 at every setting of a codec that can code it."""
    for settings in baseline.settings:
        try:
            stream, result = code(baseline, pixels, settings)
        except (RuntimeError, OSError, ValueError):  # libraries refuse very small pictures in ways of their own
            continue
        losses = {metric.column: metric.measure(pixels, result) for metric in metrics}
        yield BaselineCandidate(settings, len(stream), losses)


def settings_text(baseline: Baseline, settings: Sequence[Mapping[str, Any]]) -> str:
    """Library, version and the values that each argument took over an image set."""
    parts = [f"{baseline.library} {baseline.version}"]
    for name in settings[0]:
        values = {repr(one[name]): one[name] for one in settings}
        numbers = [value for value in values.values() if isinstance(value, int) and not isinstance(value, bool)]
        if len(numbers) == len(values) > 2:
            parts.append(f"{name} {min(numbers)} to {max(numbers)}")
        else:
            parts.append(f"{name} {' or '.join(sorted(str(value) for value in values.values()))}")
    return ", ".join(parts)
