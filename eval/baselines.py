"""Conventional codecs as Pillow provides them: candidates over their quality settings."""

from __future__ import annotations

import copy
import importlib
import importlib.metadata
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, features

from .metrics import Metric, Pixels

JPEG_QUALITIES = (*range(1, 17), 18, 20, 22, 24, 26, 28, 30, 35, 40, 46, 52, 58, 64, 70, 76)
WEBP_QUALITIES = (*range(16), 18, 20, 22, 25, 28, 32, 36, 42, 50, 58, 66, 74, 80)
AVIF_QUALITIES = (2, 5, 8, 12, 16, 20, 25, 30, 36, 45)
HEVC_QUALITIES = (2, 5, 8, 11, 14, 17, 20, 24, 28, 32, 37, 43, 50)
JXL_QUALITIES = (3, 6, 9, 12, 16, 20, 25, 30, 36, 43, 50, 60, 70)
RATIOS = tuple(round(18 * 1.145**step) for step in reversed(range(29)))


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


def _settings(qualities: tuple[int, ...], *choices: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Every quality with every choice of the other arguments."""
    return tuple({"quality": quality} | choice for choice in choices for quality in qualities)


BASELINES = (
    Baseline(
        "JPEG",
        "JPEG",
        _settings(JPEG_QUALITIES, *({"subsampling": s, "optimize": True, "progressive": True} for s in (2, 0))),
        "jpg",
    ),
    Baseline(
        "JPEG 2000",
        "JPEG2000",
        tuple({"quality_mode": "rates", "quality_layers": [r], "irreversible": True, "mct": 1} for r in RATIOS),
        "jpg_2000",
    ),
    Baseline("WebP", "WEBP", _settings(WEBP_QUALITIES, {"method": 6}), "webp"),
    Baseline(
        "AVIF",
        "AVIF",
        _settings(AVIF_QUALITIES, {"speed": 0, "subsampling": "4:4:4", "advanced": {"tune": "psnr"}, "max_threads": 1}),
        "avif",
    ),
    Baseline(
        "HEVC",
        "HEIF",
        _settings(
            HEVC_QUALITIES, *({"chroma": c, "enc_params": {"preset": "placebo", "tune": "psnr"}} for c in (420, 444))
        ),
        "pillow-heif",
        "pillow_heif",
    ),
    Baseline("JPEG XL", "JXL", _settings(JXL_QUALITIES, {"effort": 10}), "pillow-jxl-plugin", "pillow_jxl"),
)
"""Each in its slowest setting, tuned for PSNR where it can be; 4:4:4 beside 4:2:0 where both win at some rate.

AVIF by default serves the eye: on the embedded photographs its tuning for PSNR is worth more than half a decibel there,
and 4:4:4 wins at every rate and picture."""


def installed() -> list[Baseline]:
    """The codecs whose library is there; plugins are registered with Pillow."""
    rows = [row for row in BASELINES if row.version]
    for row in rows:
        if row.module:
            plugin = importlib.import_module(row.module)
            getattr(plugin, "register_heif_opener", lambda: None)()
    return rows


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
    """Library, version and the values that each argument took over a set of pictures."""
    parts = [f"{baseline.library} {baseline.version}"]
    for name in settings[0]:
        values = {repr(one[name]): one[name] for one in settings}
        numbers = [value for value in values.values() if isinstance(value, int) and not isinstance(value, bool)]
        if len(numbers) == len(values) > 2:
            parts.append(f"{name} {min(numbers)} to {max(numbers)}")
        else:
            parts.append(f"{name} {' or '.join(sorted(str(value) for value in values.values()))}")
    return ", ".join(parts)
