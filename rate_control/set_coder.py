"""A whole set of pictures under one byte budget: sweep, slope, refinement at the slope, remainder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from decoder_pkg.stream import entry_size
from encoder.archive import pack_archive
from encoder.byte_budget import ELASTICITY
from encoder.cache import CandidateCache
from encoder.candidates import Candidate
from encoder.picture_coder import LEAST_CHANGE, PARTNER_SLOPES
from encoder.pictures import check_set
from encoder.presets import PRESETS
from encoder.weights import Zoo
from eval.threads import one_thread

from .allocation import (
    InfeasibleBudget,
    Limits,
    Metric,
    Options,
    TableAllocation,
    allocate_table,
    apply_limits,
    cheapest_rows,
    check_limits,
    slope_at,
)
from .engine import Engine, Here
from .jobs import PictureJob, PresetRefinement, Refine, run_job
from .set_picture import PARTNER_CHANGE, SetPicture

TARGET_FILL = 0.9995
"""Share of the budget that is used at least, where the pictures allow it."""

ROUNDS = 3
"""Times that the whole set is refined at most, each at a better slope."""

FINER_GAINS = PresetRefinement(PRESETS[0])

Choices = list[tuple[SetPicture, Candidate]]


@dataclass(frozen=True)
class SetResult:
    """An archive and the allocation behind it."""

    data: bytes
    table: TableAllocation


class SetCoder:
    """Candidates of a set of pictures, and archives made of them."""

    def __init__(
        self,
        zoo: Zoo,
        files: Sequence[Path],
        cache: CandidateCache,
        metric: Metric | None = None,
        limits: Sequence[Limits] = (),
        engine: Engine | None = None,
    ) -> None:
        """Reads the pictures.

        Args:
          zoo: the models.
          files: one per picture; the stem is its name.
          cache: where candidates are kept.
          metric: what is minimised, PSNR by default.
          limits: on single pictures.
          engine: where pictures are coded, by default in this process.

        Raises:
          PictureError: a file cannot be coded, or there are more pictures or pixels than a stream holds.
          TableError: a limit names a picture that is not there.
        """
        check_set(files)
        check_limits(limits, [file.stem for file in files])
        self._metric, self._limits = metric or Metric(), limits
        self._zoo = zoo.suited(self._metric.kind)
        self._cache, self._engine = cache, engine or Here()
        self._pictures = [SetPicture(file, self._zoo, cache) for file in files]

    @property
    def pixels(self) -> int:
        """Pixels of the whole set."""
        return sum(picture.pixels for picture in self._pictures)

    @property
    def _place(self) -> tuple[tuple[Path, Path], tuple[int, ...], Path]:
        """Where a job finds weights, models and cache: other machines work in another folder."""
        decoder, encoder = self._zoo.folders
        return (decoder.absolute(), encoder.absolute()), tuple(self._zoo.models), self._cache.folder.absolute()

    def sweep(self) -> None:
        """Codes every picture at every setting of the sweep; what the cache knows is not made again."""
        jobs = [PictureJob(picture.file, *self._place) for picture in self._pictures]
        self._run(self._pictures, jobs, "sweep")
        for picture in self._pictures:
            picture.swept = frozenset(picture.candidates)

    def table(self, swept: bool = False) -> pd.DataFrame:
        """All candidates so far, or those of the sweep alone, as a candidate table with model, gain, q and m."""
        rows = [row for p in self._pictures for row in p.rows(p.swept if swept else p.candidates)]
        return pd.DataFrame(rows)

    def along(self, slopes: Sequence[float], refine: Refine) -> pd.DataFrame:
        """The cheapest candidate of every picture at each slope, refined there: the table's rows and their slope."""
        chosen = []
        for slope in slopes:
            self._improve(refine, self._cheapest(slope, swept=True), slope)
            chosen.append(cheapest_rows(self.table(), slope, self._metric).assign(slope=slope))
        return pd.concat(chosen, ignore_index=True)

    def fill(self, budget: int, refine: Refine = FINER_GAINS, saving: float = 0.0, around: int = 0) -> SetResult:
        """The archive of at most `budget` bytes with the least distortion.

        Args:
          budget: bytes of the whole archive.
          refine: adds candidates for a picture at a slope.
          saving: share of the bytes that refinement will save: the first fit may spend so much more.
          around: bytes of the file in which the archive will lie, which count towards the budget.

        Raises:
          InfeasibleBudget: the smallest candidates do not fit.
          TableError: a limit leaves a picture without candidates.
        """
        fixed = self._fixed_bytes()
        available = budget - fixed - around
        self._check_feasible(budget, fixed + around, saving)
        # What was refined for another target would hide how much refinement saves.
        slope = self._allocate(int(available / (1 - saving)), swept=True).allocation.slope
        if slope > 0:
            slope = self._refine(refine, slope, available)
        result = self._spend(self._allocate(available), available, refine, slope)
        data = self._archive(result)
        assert len(data) == fixed + result.allocation.bytes <= budget - around
        return SetResult(data, result)

    def _check_feasible(self, budget: int, fixed: int, saving: float) -> None:
        """Refuses a budget that the smallest candidates within the limits exceed, even after what refinement saves."""
        table = apply_limits(self.table(swept=True), self._limits)
        least = int(table.groupby("image")["bytes"].min().sum())
        if least * (1 - saving) > budget - fixed:
            whole = least + fixed
            within = f" within the limits ({'; '.join(map(str, self._limits))})" if self._limits else ""
            raise InfeasibleBudget(
                f"the smallest candidates of these {len(self._pictures)} pictures{within} take {whole} bytes with "
                f"names and headers, {whole - budget} more than the budget of {budget}"
            )

    def _refine(self, refine: Refine, slope: float, available: int) -> float:
        """Refines all pictures at the slope where they fill the budget, and some at another, to make up the rest.

        Returns:
          The slope.
        """
        ratio = 1.0
        for _ in range(ROUNDS):
            slope *= ratio ** (1 / ELASTICITY)
            self._improve(refine, self._cheapest(slope, swept=True), slope)
            choices = self._cheapest(slope)
            ratio = sum(entry_size(chosen.entry(picture.name)) for picture, chosen in choices) / available
            if abs(ratio - 1) < LEAST_CHANGE:
                break
        change, some = abs(ratio - 1) * available, []
        for picture, chosen in sorted(choices, key=lambda pair: -pair[1].header.length):
            if change > 0:
                some.append((picture, chosen))
            change -= PARTNER_CHANGE * chosen.header.length
        self._improve(refine, some, slope * PARTNER_SLOPES[ratio > 1])
        return slope

    def _improve(self, refine: Refine, choices: Choices, slope: float) -> None:
        pictures, jobs = [], []
        for picture, chosen in choices:
            own = self._own_slope(picture, chosen, slope)
            # Where another byte is worth nothing there is nothing to refine.
            if own > 0:
                pictures.append(picture)
                jobs.append(PictureJob(picture.file, *self._place, refine, chosen, own))
        self._run(pictures, jobs, "refinement")

    def _own_slope(self, picture: SetPicture, chosen: Candidate, slope: float) -> float:
        """The set's slope, or that of the picture's curve at its choice where a limit keeps it from the set's."""
        if not self._limits or not picture.swept:
            return slope
        table = pd.DataFrame(picture.rows(picture.swept))
        free = cheapest_rows(table, slope, self._metric).iloc[0]
        if free["candidate"] == chosen.header or chosen.header not in picture.swept:
            return slope
        options = Options(table["bytes"].to_numpy(np.int64), self._metric.distortion(table))
        return slope_at(options, entry_size(chosen.entry(picture.name)))

    def _run(self, pictures: Sequence[SetPicture], jobs: Sequence[PictureJob], name: str) -> None:
        """Adds what the jobs, one for each picture, find."""
        with tqdm(total=len(jobs), desc=name, unit="picture") as progress:
            for position, found in self._engine.map(run_job, jobs):
                for measured in found:
                    pictures[position].add(measured)
                progress.update()

    def _allocate(self, available: int, swept: bool = False) -> TableAllocation:
        return allocate_table(apply_limits(self.table(swept), self._limits), available, self._metric)

    def _cheapest(self, slope: float, swept: bool = False) -> Choices:
        return self._choices(cheapest_rows(apply_limits(self.table(swept), self._limits), slope, self._metric))

    @one_thread()
    def _spend(self, result: TableAllocation, available: int, refine: Refine, slope: float) -> TableAllocation:
        """Adds finer candidates, one picture after another, until the budget is full.

        `slope` is that at which pictures were refined; a larger partner needs a lower one.
        """
        least = math.ceil(TARGET_FILL * available)
        missing = available - result.allocation.bytes

        def order(pair: tuple[SetPicture, Candidate]) -> tuple[bool, bool, int]:
            """Pictures first that can take all of it, then those that can take some at once, then small ones."""
            (picture, chosen), length = pair, pair[1].header.length
            return picture.room(chosen) < missing, picture.lacks_partner(chosen), length

        for picture, _ in sorted(self._choices(result.chosen), key=order):
            if result.allocation.bytes >= least:
                break
            chosen = dict(self._choices(result.chosen))[picture]
            if picture.lacks_partner(chosen):
                self._improve(refine, [(picture, chosen)], slope * PARTNER_SLOPES[0])
                result = self._allocate(available)
                chosen = dict(self._choices(result.chosen))[picture]
                if result.allocation.bytes >= least:
                    break
            left, enough = available - result.allocation.bytes, least - result.allocation.bytes
            for measured in picture.finer(chosen, range(enough, left + 1)):
                picture.add(measured)
                result = self._allocate(available)
                if result.allocation.bytes >= least:
                    break
        return result

    def _choices(self, chosen: pd.DataFrame) -> Choices:
        return [(p, p.candidates[key].candidate) for p, key in zip(self._pictures, chosen["candidate"], strict=True)]

    def _archive(self, result: TableAllocation) -> bytes:
        entries = [chosen.entry(picture.name) for picture, chosen in self._choices(result.chosen)]
        return pack_archive(self._zoo.bundle, entries)

    def _fixed_bytes(self) -> int:
        """Bytes of an archive beyond what its pictures add: magic, names, checksum."""
        entries = [next(iter(p.candidates.values())).candidate.entry(p.name) for p in self._pictures]
        return len(pack_archive(self._zoo.bundle, entries)) - sum(map(entry_size, entries))
