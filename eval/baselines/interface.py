"""What a conventional codec is, as Pillow provides it: candidates over its quality settings."""

from __future__ import annotations

import copy
import importlib.metadata
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, features

from ..metrics import MS_SSIM, PSNR, Distortion, Metric, Pixels

Arguments = Mapping[str, Any]
"""Keyword arguments of Image.save."""


class BaselineSetting(NamedTuple):
    """Which of a codec's choices of arguments, and the quality beside it."""

    choice: int
    quality: int


QUICK_WORK = 0.3
"""Seconds of a core that a megapixel takes where coding is quick, about."""


@dataclass(frozen=True)
class Baseline:
    """A conventional codec.

    Attributes:
      name: as the leaderboard shows it.
      format: Pillow's name of the format.
      qualities: where a whole curve is measured, by rising rate; every whole number between is a setting as well.
      choices: of the arguments beside the quality; each has a curve of its own.
      library: Pillow's name of the library behind the format, or the package of the plugin that brings it.
      module: of the plugin; empty where Pillow itself knows the format.
      work: seconds of a core that a setting takes for a megapixel, about.
      quick: what a choice takes in place of its own to be coded quickly; empty where it is quick.
      argument: the argument that stands for a quality.
      points: of a rough curve, at most: their qualities are spread over those of the whole one.
      level: what the library makes of a quality: those of one level give the same file.
    """

    name: str
    format: str
    qualities: tuple[int, ...]
    choices: tuple[Arguments, ...]
    library: str
    module: str = ""
    work: float = 0.5
    quick: Arguments = field(default_factory=dict)
    argument: Callable[[int], Arguments] = lambda quality: {"quality": quality}
    points: int = 10
    level: Callable[[int], int] = lambda quality: quality

    @property
    def version(self) -> str:
        """Version of the library; empty where it is not installed."""
        if not self.module:
            return features.version(self.library) or ""
        try:
            return importlib.metadata.version(self.library)
        except importlib.metadata.PackageNotFoundError:
            return ""

    def curve(self) -> list[BaselineSetting]:
        """The settings of whole curves, one choice after another, each by rising rate."""
        return self._settings(self.qualities)

    def knots(self) -> list[BaselineSetting]:
        """The settings through which rough curves are drawn, in the same order."""
        last = len(self.qualities) - 1
        chosen = sorted({round(index) for index in np.linspace(0, last, min(last + 1, self.points))})
        return self._settings([self.qualities[index] for index in chosen])

    def settings(self) -> list[BaselineSetting]:
        """All settings that differ, in the same order."""
        between = range(self.qualities[0], self.qualities[-1])
        return self._settings(
            sorted({self.level(quality): quality for quality in (*between, *self.qualities)}.values())
        )

    def _settings(self, qualities: Sequence[int]) -> list[BaselineSetting]:
        return [BaselineSetting(choice, quality) for choice in range(len(self.choices)) for quality in qualities]

    def arguments(self, setting: BaselineSetting) -> dict[str, Any]:
        """The arguments of Image.save for a setting."""
        return {**self.argument(setting.quality), **self.choices[setting.choice]}

    def quickened(self) -> Baseline:
        """The codec with the arguments that are quick."""
        return replace(
            self, choices=tuple(_merged(choice, self.quick) for choice in self.choices), quick={}, work=QUICK_WORK
        )


def _merged(first: Arguments, second: Arguments) -> dict[str, Any]:
    """Arguments with others in their place, also where they are nested."""
    nested = {name: _merged(first[name], value) for name, value in second.items() if isinstance(value, dict)}
    return {**first, **second, **nested}


TUNE, TUNINGS = "tune", {PSNR.key: "psnr", MS_SSIM.key: "ssim"}
"""Argument by which a codec is tuned, and its value by what alone is minimised."""


def tuned(baseline: Baseline, distortion: Distortion) -> Baseline:
    """A codec as it serves what is minimised: for PSNR, or for SSIM where it can be tuned and MS-SSIM alone counts."""
    tuning = TUNINGS.get("".join(distortion.keys), TUNINGS[PSNR.key])
    return replace(baseline, choices=tuple(_with_tuning(choice, tuning) for choice in baseline.choices))


def _with_tuning(arguments: Arguments, tuning: str) -> dict[str, Any]:
    nested = {name: _with_tuning(value, tuning) for name, value in arguments.items() if isinstance(value, dict)}
    return {**arguments, **nested} | ({TUNE: tuning} if TUNE in arguments else {})


@dataclass(frozen=True)
class BaselineCandidate:
    """One file a codec made of one picture: its arguments, and its losses by the metrics' columns."""

    arguments: dict[str, Any]
    bytes: int
    losses: dict[str, float]


def code(baseline: Baseline, pixels: Pixels, arguments: Arguments) -> tuple[bytes, Pixels]:
    """The file that a codec makes of a picture [H, W, 3] uint8, and what it decodes to."""
    stream = io.BytesIO()
    # Plugins change the arguments they get.
    Image.fromarray(pixels).save(stream, format=baseline.format, **copy.deepcopy(dict(arguments)))
    with Image.open(stream) as decoded:
        return stream.getvalue(), np.asarray(decoded.convert("RGB"))


def baseline_candidate(
    baseline: Baseline, pixels: Pixels, setting: BaselineSetting, metrics: Sequence[Metric]
) -> BaselineCandidate | None:
    """Encodes and decodes a picture [H, W, 3] uint8; None where the codec cannot code it so."""
    arguments = baseline.arguments(setting)
    try:
        stream, result = code(baseline, pixels, arguments)
    except (RuntimeError, OSError, ValueError):  # libraries refuse very small pictures in ways of their own
        return None
    return BaselineCandidate(
        arguments, len(stream), {metric.column: metric.measure(pixels, result) for metric in metrics}
    )


def settings_text(baseline: Baseline, arguments: Sequence[Arguments]) -> str:
    """Library, version and the values that each argument took over an image set."""
    parts = [f"{baseline.library} {baseline.version}"]
    for name in arguments[0]:
        values = {repr(one[name]): one[name] for one in arguments}
        numbers = [value for value in values.values() if isinstance(value, int) and not isinstance(value, bool)]
        if len(numbers) == len(values) > 2:
            parts.append(f"{name} {min(numbers)} to {max(numbers)}")
        else:
            parts.append(f"{name} {' or '.join(sorted(str(value) for value in values.values()))}")
    return ", ".join(parts)
