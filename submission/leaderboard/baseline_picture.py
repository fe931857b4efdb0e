"""One picture and one conventional codec: what is coded, and what is expected of all other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from encoder.prediction import Curves, spline, to_logs
from eval.baselines import BaselineCandidate, BaselineSetting
from eval.metrics import Distortion, measured_metrics
from eval.pictures import picture_size

from .baseline_jobs import Coded, served

DOUBT = 0.02
"""Share by which losses that are only predicted count as larger where it takes long to code a setting."""

HOPE = 0.05
"""Share by which they count as smaller elsewhere: files of the lowest rates lie on no smooth curve."""


class BaselinePicture:
    """One picture and one codec: the candidates coded so far, and what is expected of all other settings."""

    def __init__(self, file: Path, codec: str, quick: bool, distortion: Distortion) -> None:
        self.file, self.codec = file, served(codec, quick, distortion)
        width, height = picture_size(file)
        self.pixels = width * height
        self.coded: Coded = {}
        self.drawn: Coded = {}
        self._distortion = distortion

    @cached_property
    def curves(self) -> Curves[BaselineSetting] | None:
        """The curves as they are drawn, corrected by what is coded; None where the codec cannot code the picture."""
        columns = [metric.column for metric, _ in self._distortion.terms]
        settings, parts = list[BaselineSetting](), []
        for choice in range(len(self.codec.choices)):
            known = [(s.quality, c) for s, c in self.drawn.items() if c and s.choice == choice]
            if known:
                own = [setting for setting in self.codec.settings() if setting.choice == choice]
                logs = np.array([to_logs(c.bytes, [c.losses[column] for column in columns]) for _, c in known])
                at = np.array([setting.quality for setting in own], dtype=np.float64)
                parts.append(spline(at, np.array([float(quality) for quality, _ in known]), logs))
                settings += own
        if not parts:
            return None
        lines, positions = [s.choice for s in settings], [float(s.quality) for s in settings]
        curves = Curves(settings, lines, positions, np.concatenate(parts), columns)
        for setting, candidate in self.coded.items():
            if candidate:
                curves.learn(setting, candidate.bytes, candidate.losses)
        return curves

    def add(self, coded: Coded) -> None:
        """Remembers candidates, from which the curves learn."""
        self.coded |= coded
        self.__dict__.pop("curves", None)

    def rows(self) -> Iterator[dict[str, object]]:
        """Rows of a candidate table."""
        for candidate in self.coded.values():
            if candidate:
                yield self._row(_text(candidate), candidate.bytes, candidate.losses) | {"settings": candidate.arguments}

    def predicted_rows(self) -> Iterator[dict[str, object]]:
        """Rows of all settings that were not tried; the candidate is the setting itself."""
        if self.curves:
            sizes, losses = self.curves.predicted()
            factor = 1 + DOUBT if self.codec.quick else 1 - HOPE
            unknown = {metric.column: 0.0 for metric in measured_metrics(self._distortion)}
            for index, setting in enumerate(self.curves.settings):
                if setting not in self.coded:
                    doubted = {column: float(values[index]) * factor for column, values in losses.items()}
                    yield self._row(setting, max(1, round(sizes[index])), unknown | doubted)

    def _row(self, candidate: object, size: int, losses: Mapping[str, float]) -> dict[str, object]:
        return {"image": self.file.stem, "candidate": candidate, "bytes": size, **losses, "pixels": self.pixels}


def _text(candidate: BaselineCandidate) -> str:
    return ", ".join(f"{name} {value}" for name, value in candidate.arguments.items())
