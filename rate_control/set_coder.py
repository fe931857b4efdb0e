"""A whole set of pictures under one byte budget: sweep, slope, refinement at the slope, remainder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from decoder_pkg.archive import ImageHeader, entry_size, write_archive
from encoder.cache import CandidateCache, Measured
from encoder.encode import Candidate
from encoder.pictures import load_picture
from encoder.presets import PRESETS
from encoder.sweep import PictureCoder
from encoder.weights import Zoo

from .engine import Engine, Here
from .jobs import PictureJob, PresetRefinement, Refine, run_job, similarity
from .limits import Limits, apply_limits
from .table import Metric, TableAllocation, allocate_table

TARGET_FILL = 0.9995
"""Share of the budget that is used at least, where the pictures allow it."""

FINE_STEPS = (1, 2, 3, 4, 6, 8, 11, 15)
"""Changes of q by which single pictures spend what is left."""

ROUNDS = 2
SLOPE_TOLERANCE = 1.15
"""Refinement is done once more where the slope has moved further than this: as far as the refined candidates reach."""

FINER_GAINS = PresetRefinement(PRESETS[0])


@dataclass(frozen=True)
class SetResult:
    """An archive and the allocation behind it."""

    data: bytes
    table: TableAllocation


class _Picture:
    """One picture and the candidates known so far."""

    def __init__(self, file: Path, zoo: Zoo, cache: CandidateCache) -> None:
        pixels = load_picture(file)
        self.name, self.pixels = file.stem, pixels.shape[0] * pixels.shape[1]
        self.coder = PictureCoder(pixels, zoo, cache, similarity)
        self.file = file
        self.candidates: dict[ImageHeader, Measured] = {}
        self.swept: frozenset[ImageHeader] = frozenset()

    def add(self, measured: Measured) -> None:
        self.candidates[measured.candidate.header] = measured

    def larger(self, chosen: Candidate) -> Candidate | None:
        """The next larger candidate of the same setting: there is one where latents were refined."""
        larger = [
            measured.candidate
            for header, measured in self.candidates.items()
            if header.setting == chosen.header.setting and header.length > chosen.header.length
        ]
        return min(larger, key=lambda candidate: candidate.header.length, default=None)

    def rows(self, headers: Iterable[ImageHeader]) -> Iterator[dict[str, object]]:
        for header in headers:
            measured = self.candidates[header]
            yield {
                "image": self.name,
                "candidate": header,
                "model": header.model,
                "gain": header.gain,
                "q": header.q,
                "m": header.m,
                "bytes": entry_size(measured.candidate.entry(self.name)),
                "squared_error": measured.candidate.squared_error,
                "ms_ssim_loss": 1 - measured.measures["ms_ssim"],
                "pixels": self.pixels,
            }


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
          PictureError: a file cannot be coded.
        """
        self._zoo, self._metric, self._limits = zoo, metric or Metric(), limits
        self._cache, self._engine = cache, engine or Here()
        self._pictures = [_Picture(file, zoo, cache) for file in files]

    @property
    def pixels(self) -> int:
        """Pixels of the whole set."""
        return sum(picture.pixels for picture in self._pictures)

    def sweep(self) -> None:
        """Codes every picture at every setting of the sweep; what the cache knows is not made again."""
        self._run([self._job(picture) for picture in self._pictures], "sweep")
        for picture in self._pictures:
            picture.swept = frozenset(picture.candidates)

    def _job(self, picture: _Picture, **refinement: Any) -> PictureJob:
        return PictureJob(picture.file, self._zoo.folders, self._cache.folder, **refinement)

    def _run(self, jobs: Sequence[PictureJob], name: str) -> None:
        """Adds what the jobs, one per picture, find."""
        with tqdm(total=len(jobs), desc=name, unit="picture") as progress:
            for position, found in self._engine.map(run_job, jobs):
                for measured in found:
                    self._pictures[position].add(measured)
                progress.update()

    def table(self) -> pd.DataFrame:
        """All candidates so far, as a candidate table with model, gain, q and m."""
        return pd.DataFrame([row for picture in self._pictures for row in picture.rows(picture.candidates)])

    def fill(self, budget: int, refine: Refine = FINER_GAINS, saving: float = 0.0) -> SetResult:
        """The archive of at most `budget` bytes with the least distortion.

        Args:
          budget: bytes of the whole archive.
          refine: adds candidates for each picture at the slope of the fit before.
          saving: share of the bytes that refinement will save: the first fit may spend so much more.

        Raises:
          InfeasibleBudget: the smallest candidates do not fit.
          TableError: a limit leaves a picture without candidates.
        """
        available = budget - self._fixed_bytes()
        # What was refined for another target would hide how much refinement saves.
        swept = pd.DataFrame([row for picture in self._pictures for row in picture.rows(picture.swept)])
        result = self._allocate(int(available / (1 - saving)), swept)
        for _ in range(ROUNDS):
            slope = result.allocation.slope
            choices = self._choices(result)
            self._run([self._job(p, refine=refine, chosen=chosen, slope=slope) for p, chosen in choices], "refinement")
            result = self._allocate(available)
            if slope == 0 or 1 / SLOPE_TOLERANCE < result.allocation.slope / slope < SLOPE_TOLERANCE:
                break
        result = self._spend(result, available)
        data = self._archive(result)
        assert len(data) == self._fixed_bytes() + result.allocation.bytes <= budget
        return SetResult(data, result)

    def _allocate(self, available: int, table: pd.DataFrame | None = None) -> TableAllocation:
        table = self.table() if table is None else table
        return allocate_table(apply_limits(table, self._limits), available, self._metric)

    def _spend(self, result: TableAllocation, available: int) -> TableAllocation:
        """Adds finer candidates, one picture after another, until the budget is full."""
        least = math.ceil(TARGET_FILL * available)
        missing = available - result.allocation.bytes

        def order(pair: tuple[_Picture, Candidate]) -> tuple[bool, int]:
            """Pictures first that can take all of it, then small ones."""
            larger, length = pair[0].larger(pair[1]), len(pair[1].payload)
            return not larger or len(larger.payload) < length + missing, length

        for picture, chosen in sorted(self._choices(result), key=order):
            left, enough = available - result.allocation.bytes, least - result.allocation.bytes
            if enough <= 0:
                break
            for measured in _finer(picture, chosen, range(enough, left + 1)):
                picture.add(measured)
            result = self._allocate(available)
        return result

    def _choices(self, result: TableAllocation) -> list[tuple[_Picture, Candidate]]:
        keys = result.chosen["candidate"]
        return [(p, p.candidates[key].candidate) for p, key in zip(self._pictures, keys, strict=True)]

    def _archive(self, result: TableAllocation) -> bytes:
        entries = [chosen.entry(picture.name) for picture, chosen in self._choices(result)]
        return write_archive(self._zoo.bundle.id, entries)

    def _fixed_bytes(self) -> int:
        """Bytes of an archive beyond what its pictures add: magic, names, checksum."""
        entries = [next(iter(p.candidates.values())).candidate.entry(p.name) for p in self._pictures]
        return len(write_archive(self._zoo.bundle.id, entries)) - sum(map(entry_size, entries))


def _finer(picture: _Picture, chosen: Candidate, more: range) -> Iterator[Measured]:
    """Candidates a little larger than the choice: between refined ones, or at other steps q.

    Args:
      picture: whose.
      chosen: its choice.
      more: how many bytes more are wanted.
    """
    larger, header = picture.larger(chosen), chosen.header
    if larger:
        room = range(header.length + more.start, header.length + more.stop)
        yield from picture.coder.between(chosen, larger, lambda candidate: candidate.header.length, room)
    else:
        for step in FINE_STEPS:
            for q in (header.q - step, header.q + step):
                if 1 <= q <= 255:
                    yield picture.coder.encode(header.model, header.gain, q)
