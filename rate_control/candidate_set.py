"""The candidates of an image set, wherever they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from encoder.candidates import Candidate, CandidateCache
from encoder.codecs import ModelSetting
from encoder.models import Zoo
from encoder.pictures import check_set
from encoder.prediction import sweep_settings
from eval.metrics import SQUARED_ERROR, Distortion, measured_metrics
from eval.progress import Progress

from .allocation import (
    Limits,
    TableAllocation,
    allocate_table,
    apply_limits,
    check_limits,
    lacking,
)
from .engines import Engine, Here
from .jobs import Coding, Place, Predicting, Refine, Refining, Start, Task
from .set_picture import SetPicture
from .set_work import SetWork
from .settling import ROUNDS, Goal, Wanted, at, is_predicted, settle, within

Choices = list[tuple[SetPicture, Candidate]]


class CandidateSet:
    """The candidates of an image set: predicted, coded where that pays, refined, allocated under a budget."""

    def __init__(
        self,
        zoo: Zoo,
        files: Sequence[Path],
        cache: CandidateCache,
        distortion: Distortion = SQUARED_ERROR,
        limits: Sequence[Limits] = (),
        engine: Engine | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Reads the pictures.

        Args:
          zoo: the models.
          files: one per picture; the stem is its name.
          cache: where candidates are kept.
          distortion: what is minimised.
          limits: on single pictures.
          engine: where pictures are coded, by default in this process.
          progress: of the whole run.

        Raises:
          PictureError: a file cannot be coded, or there are more pictures or pixels than a stream holds.
          TableError: a limit names a picture that is not there.
        """
        check_set(files)
        check_limits(limits, [file.stem for file in files])
        self.distortion, self.limits = distortion, limits
        self.zoo = zoo.suited(distortion)
        self.progress = progress or Progress()
        self.pictures = [SetPicture(file, self.zoo, measured_metrics(distortion)) for file in files]
        folders, cached = (self.zoo.folders[0].absolute(), self.zoo.folders[1].absolute()), cache.folder.absolute()
        place = Place(folders, tuple(self.zoo.models), cached, distortion)
        self._work = SetWork(place, engine or Here(), self.progress)

    @property
    def pixels(self) -> int:
        """Pixels of the whole set."""
        return sum(picture.pixels for picture in self.pictures)

    def predict(self, goals: Sequence[Goal]) -> None:
        """Finds out what every picture is expected to take and to lose at the settings that goals may choose."""
        table = self.predicted()
        wanted = dict[SetPicture, dict[int, None]]()
        for goal in goals:
            for picture, gain in zip(self.pictures, goal(table)["gain"], strict=True):
                wanted.setdefault(picture, {}).update(dict.fromkeys(self.zoo.specialists(int(gain))))
        tasks = {picture: Predicting(tuple(models)) for picture, models in wanted.items() if models}
        self._work.run(tasks, "prediction of fine-tuned models")

    def code(self, wanted: Mapping[SetPicture, Sequence[ModelSetting]]) -> None:
        """Codes pictures at settings; what the cache knows is not made again."""
        self._work.run({p: Coding(tuple(settings)) for p, settings in wanted.items()}, "coding", plain=True)

    def sweep(self) -> None:
        """Codes every picture at every setting of the sweep."""
        settings = sweep_settings(self.zoo)
        self.code(dict.fromkeys(self.pictures, settings))

    def settle(self, goals: Sequence[Goal], rounds: int = ROUNDS) -> None:
        """Codes what goals choose of all settings until they choose nothing that is only predicted."""

        def code(wanted: Sequence[Wanted]) -> None:
            pictures = {picture.name: picture for picture in self.pictures}
            self.code({pictures[n]: [ModelSetting(*s) for s in settings] for n, settings in wanted[0].items()})

        settle(lambda: [self.predicted()], goals, code, rounds)

    def table(self, predicted: bool = False) -> pd.DataFrame:
        """All candidates so far as a candidate table with model, gain, q and m; with what is predicted of the rest."""
        rows = [row for p in self.pictures for row in (*p.rows(), *(p.predicted_rows() if predicted else ()))]
        return pd.DataFrame(rows)

    def predicted(self, refined: bool = True) -> pd.DataFrame:
        """The table within the limits, with what is predicted; no prediction speaks for the ends of what can be coded.

        Args:
          refined: whether refined candidates are among the rows.

        Raises:
          TableError: a picture has no row within the limits.
        """
        unknown = [picture for picture in self.pictures if not picture.is_expected]
        self._work.run({picture: Predicting(tuple(self.zoo.origins)) for picture in unknown}, "prediction")
        table = self._all_rows(refined)
        names = lacking(table, self.limits) if self.limits else []
        if names:
            ends = {p: [p.prediction.settings[i] for i in p.ends()] for p in self.pictures if p.name in names}
            self.code(ends)
            table = self._all_rows(refined)
        return apply_limits(table, self.limits)

    def _all_rows(self, refined: bool) -> pd.DataFrame:
        """The table of all settings, coded or predicted."""
        table = self.table(predicted=True)
        if refined:
            return table
        plain, pairs = {p.name: p.plain for p in self.pictures}, zip(table["image"], table["candidate"], strict=True)
        return table[[is_predicted(candidate) or candidate in plain[image] for image, candidate in pairs]]

    def within(self, available: int) -> Goal:
        """The goal of least distortion in so many bytes; of least bytes where nothing fits."""
        return within(available, self.distortion)

    def at(self, multiplier: float) -> Goal:
        """The goal of least cost at a Lagrange multiplier."""
        return at(multiplier, self.distortion)

    def allocate(self, available: int) -> TableAllocation:
        """The least distortion in so many bytes, within the limits, from what is coded."""
        return allocate_table(apply_limits(self.table(), self.limits), available, self.distortion)

    def cheapest(self, multiplier: float) -> Choices:
        """The candidate of each picture that costs least at a Lagrange multiplier."""
        return self.choices(self.at(multiplier)(apply_limits(self.table(), self.limits)))

    def choices(self, chosen: pd.DataFrame) -> Choices:
        """The candidates that rows of the table name, one for each picture."""
        return [(p, p.candidates[key].candidate) for p, key in self._pairs(chosen)]

    def _pairs(self, chosen: pd.DataFrame) -> list[tuple[SetPicture, Any]]:
        """Each picture and what its row names: a candidate's header, or a setting that is not coded."""
        return list(zip(self.pictures, chosen["candidate"], strict=True))

    def starts(self, multiplier: float) -> dict[SetPicture, Start]:
        """Where each picture's refinement at a Lagrange multiplier begins, as far as is known."""
        starts = {}
        for picture, key in self._pairs(self.at(multiplier)(self.predicted(refined=False))):
            chosen = ModelSetting(*(key if is_predicted(key) else key.setting))
            others = picture.prediction.cheapest(multiplier, self.distortion, picture.pixels)
            starts[picture] = Start((chosen, *(other for other in others if other.model != chosen.model)))
        return starts

    def again(self, picture: SetPicture, chosen: Candidate) -> Start:
        """Where another refinement of a choice begins: what is refined already keeps its setting."""
        return Start((ModelSetting(*chosen.header.setting),), kept=chosen.header not in picture.plain)

    def improve(self, refine: Refine, starts: Mapping[SetPicture, Start], multiplier: float) -> None:
        """Refines pictures at a Lagrange multiplier where bytes lower the distortion; codes them as they are, too.

        A conventional codec has no latents to refine: the learned models among the starts compete with it.
        """
        tasks: dict[SetPicture, Task] = {}
        for picture, start in starts.items():
            learned = [setting for setting in start.settings if not self.zoo.models[setting.model].conventional]
            own = picture.own_multiplier(start.settings[0], multiplier, self.distortion) if self.limits else multiplier
            if own > 0 and learned:
                tasks[picture] = Refining(refine, replace(start, settings=tuple(learned)), own)
        self.code({picture: start.settings[:1] for picture, start in starts.items() if not start.kept})
        self._work.run(tasks, "refinement")


def along(candidates: CandidateSet, multipliers: Sequence[float], refine: Refine | None) -> pd.DataFrame:
    """The cheapest candidate of every picture, refined, at each Lagrange multiplier, which a column holds."""
    goals = [candidates.at(multiplier) for multiplier in multipliers]
    candidates.predict(goals)
    if not refine:
        candidates.settle(goals)
    chosen = []
    for multiplier, goal in zip(multipliers, goals, strict=True):
        if refine:
            candidates.improve(refine, candidates.starts(multiplier), multiplier)
        chosen.append(goal(candidates.table()).assign(multiplier=multiplier))
    return pd.concat(chosen, ignore_index=True)
