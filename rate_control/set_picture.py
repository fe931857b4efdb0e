"""One picture of a set: the candidates known so far, and what is expected of all other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.stream import Entry, ImageHeader, entry_size
from encoder.candidates import Candidate, Measured
from encoder.codecs import ModelSetting
from encoder.coding import Estimate
from encoder.models import Zoo
from encoder.pictures import load_with_notes, pixels_digest
from encoder.prediction import Prediction, predict, settings_of
from eval.metrics import Distortion, Metric

from .allocation import OperatingPoints, distortions, multiplier_at
from .jobs import Coding, Filling
from .settling import DOUBT, at, is_predicted

MOST_ROUNDED = 0.03
"""Share of a stream's bytes that coarser or finer rounding may take or add, so that it hardly costs quality."""

PARTNER_CHANGE = 0.12
"""Share of a stream's bytes by which its partner, refined at another Lagrange multiplier, is expected to differ."""


class SetPicture:
    """What is known of one picture; its samples are read where they are needed, a whole set's would fill the memory.

    Attributes:
      file: of the picture; its stem is the name.
      size: height and width.
      digest: of its samples.
      candidates: those known so far, by their headers.
      plain: headers of those that were not refined.
    """

    def __init__(self, file: Path, zoo: Zoo, metrics: Sequence[Metric]) -> None:
        pixels = load_with_notes(file)
        self.file, self.name = file.absolute(), file.stem
        self.size: tuple[int, int] = pixels.shape[0], pixels.shape[1]
        self.digest = pixels_digest(pixels)
        self.candidates: dict[ImageHeader, Measured] = {}
        self.plain: set[ImageHeader] = set()
        self._zoo, self._columns = zoo, [metric.column for metric in metrics]
        self._estimates: dict[int, Sequence[Estimate]] = {}

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.size[0] * self.size[1]

    @cached_property
    def prediction(self) -> Prediction:
        """What settings are expected to take, in bytes of a payload, and to lose; it knows what was coded."""
        prediction = predict(self._zoo, self._estimates, self._columns)
        for header, measured in self.candidates.items():
            if header in self.plain:
                prediction.learn(ModelSetting(*header.setting), header.length, measured.losses)
        return prediction

    @property
    def is_expected(self) -> bool:
        """Whether there is anything to predict from."""
        return bool(self._estimates)

    def expect(self, estimates: Mapping[int, Sequence[Estimate]]) -> None:
        """From now on, the prediction knows these models too."""
        if estimates:
            self._estimates |= estimates
            self.__dict__.pop("prediction", None)

    @property
    def empty(self) -> Entry:
        """An entry of this picture without a payload."""
        height, width = self.size
        header = ImageHeader(next(iter(self._zoo.models)), 0, Q_ONE, 0, width, height, 0, 0)
        return Entry(self.name, header, b"")

    def add(self, measured: Measured, plain: bool = False) -> None:
        """Remembers a candidate.

        Args:
          measured: the candidate.
          plain: it was not refined: the prediction learns from it.
        """
        header = measured.candidate.header
        self.candidates[header] = measured
        if plain:
            self.plain.add(header)
            if self.is_expected:
                self.prediction.learn(ModelSetting(*header.setting), header.length, measured.losses)

    def rows(self) -> Iterator[dict[str, object]]:
        """Rows of a candidate table, with model, gain, q and how many post-filters are on."""
        for header, measured in self.candidates.items():
            size = entry_size(measured.candidate.entry(self.name))
            yield self._row(header, header.setting, len(header.filters), size, measured.losses)

    def predicted_rows(self) -> Iterator[dict[str, object]]:
        """Rows of all settings that are not coded; the candidate is the setting itself."""
        sizes, losses = self.prediction.predicted()
        around, coded = entry_size(self.empty), {header.setting for header in self.plain}
        for index, setting in enumerate(self.prediction.settings):
            if setting not in coded:
                doubted = {column: float(values[index]) * (1 + DOUBT) for column, values in losses.items()}
                yield self._row(setting, setting, 0, around + max(1, round(sizes[index])), doubted)

    def own_multiplier(self, chosen: ModelSetting, multiplier: float, distortion: Distortion) -> float:
        """The set's Lagrange multiplier, or that of the picture's curve at a choice that limits keep from the set's."""
        table = pd.DataFrame([*self.rows(), *self.predicted_rows()])
        table = table[[key in self.plain or is_predicted(key) for key in table["candidate"]]]
        settings = [ModelSetting(*row) for row in table[["model", "gain", "q"]].itertuples(index=False)]
        free = at(multiplier, distortion)(table).iloc[0]
        if ModelSetting(free["model"], free["gain"], free["q"]) == chosen or chosen not in settings:
            return multiplier
        sizes = table["bytes"].to_numpy(np.int64)
        points = OperatingPoints(sizes, distortions(table, distortion))
        return multiplier_at(points, int(sizes[settings.index(chosen)]))

    def ends(self) -> tuple[int, int]:
        """Which settings are expected to take the fewest and the most bytes."""
        sizes, _ = self.prediction.predicted()
        return int(sizes.argmin()), int(sizes.argmax())

    def _row(
        self, candidate: object, setting: tuple[int, int, int], filters: int, size: int, losses: dict[str, float]
    ) -> dict[str, object]:
        model, gain, q = setting
        settings = {"model": model, "gain": gain, "q": q, "filters": filters}
        named: dict[str, object] = {"image": self.name, "candidate": candidate}
        return named | settings | {"bytes": size} | losses | {"pixels": self.pixels}

    def larger(self, chosen: Candidate) -> Candidate | None:
        """The next larger refined candidate of the same setting: there is one where latents were refined twice."""
        larger = [
            measured.candidate
            for header, measured in self.candidates.items()
            if header.setting == chosen.header.setting and header.length > chosen.header.length
            if header not in self.plain
        ]
        return min(larger, key=lambda candidate: candidate.header.length, default=None)

    def room(self, chosen: Candidate) -> float:
        """Bytes by which this choice could grow, roughly where its partner is still to be made."""
        length = chosen.header.length
        if self._is_conventional(chosen):
            return 0.0
        if chosen.header in self.plain:
            return MOST_ROUNDED * length
        larger = self.larger(chosen)
        return larger.header.length - length if larger else PARTNER_CHANGE * length

    def lacks_partner(self, chosen: Candidate) -> bool:
        """Whether latents were refined for this choice, and none for a larger one of the same setting."""
        return chosen.header not in self.plain and not self.larger(chosen)

    def filling(self, chosen: Candidate, more: range) -> Filling | Coding | None:
        """What makes the choice a little longer; None where it has no larger partner, but was refined.

        Of a conventional codec that is the next finer setting.

        Args:
          chosen: the picture's choice.
          more: how many bytes more are wanted.
        """
        if self._is_conventional(chosen):
            return self._finer(chosen)
        larger, length = self.larger(chosen), chosen.header.length
        if chosen.header in self.plain:
            most = int(MOST_ROUNDED * length)
            wanted = more if more.start <= most else range(most - most // 20, most + 1)
            return Filling(chosen, None, range(length + wanted.start, length + min(wanted.stop, most + 1)))
        return Filling(chosen, larger, range(length + more.start, length + more.stop)) if larger else None

    def _finer(self, chosen: Candidate) -> Coding | None:
        """The next finer setting of a choice's model; None where there is none that is not known."""
        settings = settings_of(self._zoo, chosen.header.model)
        index = settings.index(ModelSetting(*chosen.header.setting)) + 1
        known = {header.setting for header in self.plain}
        return Coding((settings[index],)) if index < len(settings) and settings[index] not in known else None

    def _is_conventional(self, chosen: Candidate) -> bool:
        return self._zoo.models[chosen.header.model].conventional is not None
