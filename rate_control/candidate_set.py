"""The candidates of an image set, wherever they are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from decoder_pkg.stream import entry_size
from encoder.cache import CandidateCache
from encoder.candidates import Candidate
from encoder.pictures import check_set
from encoder.weights import Zoo
from eval.metrics import SQUARED_ERROR, Distortion, measured_metrics

from .allocation import (
    Limits,
    Options,
    TableAllocation,
    allocate_table,
    apply_limits,
    cheapest_rows,
    check_limits,
    distortions,
    multiplier_at,
)
from .engine import Engine, Here
from .jobs import PictureJob, Refine, run_job
from .set_picture import SetPicture

Choices = list[tuple[SetPicture, Candidate]]


class CandidateSet:
    """The candidates of an image set: swept, refined at a Lagrange multiplier, allocated under a budget."""

    def __init__(
        self,
        zoo: Zoo,
        files: Sequence[Path],
        cache: CandidateCache,
        distortion: Distortion = SQUARED_ERROR,
        limits: Sequence[Limits] = (),
        engine: Engine | None = None,
    ) -> None:
        """Reads the pictures.

        Args:
          zoo: the models.
          files: one per picture; the stem is its name.
          cache: where candidates are kept.
          distortion: what is minimised.
          limits: on single pictures.
          engine: where pictures are coded, by default in this process.

        Raises:
          PictureError: a file cannot be coded, or there are more pictures or pixels than a stream holds.
          TableError: a limit names a picture that is not there.
        """
        check_set(files)
        check_limits(limits, [file.stem for file in files])
        self.distortion, self.limits = distortion, limits
        self.zoo = zoo.suited(distortion)
        self._cache, self._engine = cache, engine or Here()
        self.pictures = [SetPicture(file, self.zoo, cache, measured_metrics(distortion)) for file in files]

    @property
    def pixels(self) -> int:
        """Pixels of the whole set."""
        return sum(picture.pixels for picture in self.pictures)

    @property
    def _place(self) -> tuple[tuple[Path, Path], tuple[int, ...], Path, Distortion]:
        """Where a job finds weights, models and cache, and what counts: other machines work in another folder."""
        decoder, encoder = self.zoo.folders
        return (
            (decoder.absolute(), encoder.absolute()),
            tuple(self.zoo.models),
            self._cache.folder.absolute(),
            self.distortion,
        )

    def sweep(self) -> None:
        """Codes every picture at every setting of the sweep; what the cache knows is not made again."""
        jobs = [PictureJob(picture.file, *self._place) for picture in self.pictures]
        self._run(self.pictures, jobs, "sweep")
        for picture in self.pictures:
            picture.swept = frozenset(picture.candidates)

    def table(self, swept: bool = False) -> pd.DataFrame:
        """All candidates so far, or those of the sweep alone, as a candidate table with model, gain, q and m."""
        rows = [row for p in self.pictures for row in p.rows(p.swept if swept else p.candidates)]
        return pd.DataFrame(rows)

    def along(self, multipliers: Sequence[float], refine: Refine) -> pd.DataFrame:
        """The cheapest candidate of every picture, refined, at each Lagrange multiplier, which a column holds."""
        chosen = []
        for multiplier in multipliers:
            self.improve(refine, self.cheapest(multiplier, swept=True), multiplier)
            chosen.append(cheapest_rows(self.table(), multiplier, self.distortion).assign(multiplier=multiplier))
        return pd.concat(chosen, ignore_index=True)

    def allocate(self, available: int, swept: bool = False) -> TableAllocation:
        """The least distortion in so many bytes, within the limits, from the sweep alone or from all candidates."""
        return allocate_table(apply_limits(self.table(swept), self.limits), available, self.distortion)

    def cheapest(self, multiplier: float, swept: bool = False) -> Choices:
        """The candidate of each picture that costs least at a Lagrange multiplier."""
        return self.choices(cheapest_rows(apply_limits(self.table(swept), self.limits), multiplier, self.distortion))

    def choices(self, chosen: pd.DataFrame) -> Choices:
        """The candidates that rows of the table name, one for each picture."""
        return [(p, p.candidates[key].candidate) for p, key in zip(self.pictures, chosen["candidate"], strict=True)]

    def improve(self, refine: Refine, choices: Choices, multiplier: float) -> None:
        """Refines pictures, each like the candidate beside it, at a Lagrange multiplier."""
        pictures, jobs = [], []
        for picture, chosen in choices:
            own = self._own_multiplier(picture, chosen, multiplier)
            # Where another byte lowers no distortion there is nothing to refine.
            if own > 0:
                pictures.append(picture)
                jobs.append(PictureJob(picture.file, *self._place, refine, chosen, own))
        self._run(pictures, jobs, "refinement")

    def _own_multiplier(self, picture: SetPicture, chosen: Candidate, multiplier: float) -> float:
        """The set's multiplier, or that of the picture's curve at its choice where a limit keeps it from the set's."""
        if not self.limits or not picture.swept:
            return multiplier
        table = pd.DataFrame(picture.rows(picture.swept))
        free = cheapest_rows(table, multiplier, self.distortion).iloc[0]
        if free["candidate"] == chosen.header or chosen.header not in picture.swept:
            return multiplier
        options = Options(table["bytes"].to_numpy(np.int64), distortions(table, self.distortion))
        return multiplier_at(options, entry_size(chosen.entry(picture.name)))

    def _run(self, pictures: Sequence[SetPicture], jobs: Sequence[PictureJob], name: str) -> None:
        """Adds what the jobs, one for each picture, find."""
        with tqdm(total=len(jobs), desc=name, unit="picture") as progress:
            for position, found in self._engine.map(run_job, jobs):
                for measured in found:
                    pictures[position].add(measured)
                progress.update()
