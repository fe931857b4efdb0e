"""A whole set of pictures under one byte budget: sweep, slope, refinement at the slope, remainder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from decoder_pkg.architecture import GAIN_COUNT
from decoder_pkg.archive import entry_size, write_archive
from encoder.encode import Candidate
from encoder.pictures import Pixels, load_picture
from encoder.sweep import SWEEP, CandidateCache, Measured, PictureCoder
from encoder.weights import Zoo
from eval.metrics import ms_ssim

from .limits import Limits, apply_limits
from .table import Metric, TableAllocation, allocate_table

TARGET_FILL = 0.9995
"""Share of the budget that is used at least, where the pictures allow it."""

FINE_STEPS = (1, 2, 3, 4, 6, 8, 11, 15)
"""Changes of q by which single pictures spend what is left."""

Refine = Callable[[PictureCoder, Candidate, float], Iterable[Measured]]
"""Further candidates of a picture, given its present choice and the slope in squared error per byte."""


@dataclass(frozen=True)
class SetResult:
    """An archive and the allocation behind it."""

    data: bytes
    table: TableAllocation


def similarity(original: Pixels, decoded: Pixels) -> dict[str, float]:
    """What the sweep records beside the squared error."""
    return {"ms_ssim": ms_ssim(original, decoded)}


def neighbours(coder: PictureCoder, chosen: Candidate, slope: float) -> Iterable[Measured]:
    """The gains between those of the sweep, on both sides of the choice: the finer hull holds a better vertex."""
    header = chosen.header
    for gain in (header.gain - 1, header.gain + 1):
        if 0 <= gain < GAIN_COUNT and header.gain > 0:
            yield coder.encode(header.model, gain)


class _Picture:
    """One picture and the candidates known so far."""

    def __init__(self, file: Path, zoo: Zoo, cache: CandidateCache) -> None:
        pixels = load_picture(file)
        self.name, self.pixels = file.stem, pixels.shape[0] * pixels.shape[1]
        self.coder = PictureCoder(pixels, zoo, cache, similarity)
        self.candidates: dict[tuple[int, int, int], Measured] = {}

    def add(self, measured: Measured) -> None:
        header = measured.candidate.header
        self.candidates[header.model, header.gain, header.q] = measured

    def rows(self) -> Iterable[dict[str, object]]:
        for key, measured in self.candidates.items():
            header = measured.candidate.header
            yield {
                "image": self.name,
                "candidate": key,
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
    ) -> None:
        """Reads the pictures.

        Args:
          zoo: the models.
          files: one per picture; the stem is its name.
          cache: where candidates are kept.
          metric: what is minimised, PSNR by default.
          limits: on single pictures.

        Raises:
          PictureError: a file cannot be coded.
        """
        self._zoo, self._metric, self._limits = zoo, metric or Metric(), limits
        self._pictures = [_Picture(file, zoo, cache) for file in files]

    @property
    def pixels(self) -> int:
        """Pixels of the whole set."""
        return sum(picture.pixels for picture in self._pictures)

    def sweep(self) -> None:
        """Codes every picture at every setting of the sweep; what the cache knows is not made again."""
        total = len(self._pictures) * len(self._zoo.models) * len(SWEEP)
        with tqdm(total=total, desc="sweep", unit="stream") as progress:
            for picture in self._pictures:
                for measured in picture.coder.sweep():
                    picture.add(measured)
                    progress.update()

    def table(self) -> pd.DataFrame:
        """All candidates so far, as a candidate table with model, gain, q and m."""
        return pd.DataFrame([row for picture in self._pictures for row in picture.rows()])

    def fill(self, budget: int, refine: Refine = neighbours) -> SetResult:
        """The archive of at most `budget` bytes with the least distortion.

        Args:
          budget: bytes of the whole archive.
          refine: adds candidates for each picture at the slope of the first fit.

        Raises:
          InfeasibleBudget: the smallest candidates do not fit.
          TableError: a limit leaves a picture without candidates.
        """
        available = budget - self._fixed_bytes()
        first = self._allocate(available)
        for picture, chosen in tqdm(self._choices(first), desc="refinement", unit="picture"):
            for measured in refine(picture.coder, chosen, first.allocation.slope):
                picture.add(measured)
        result = self._spend(self._allocate(available), available)
        data = self._archive(result)
        assert len(data) == self._fixed_bytes() + result.allocation.bytes <= budget
        return SetResult(data, result)

    def _allocate(self, available: int) -> TableAllocation:
        return allocate_table(apply_limits(self.table(), self._limits), available, self._metric)

    def _spend(self, result: TableAllocation, available: int) -> TableAllocation:
        """Adds finer candidates, one picture after another, until the budget is full."""
        least = math.ceil(TARGET_FILL * available)
        for picture, chosen in sorted(self._choices(result), key=lambda pair: len(pair[1].payload)):
            if result.allocation.bytes >= least:
                break
            header = chosen.header
            for step in FINE_STEPS:
                for q in (header.q - step, header.q + step):
                    if 1 <= q <= 255:
                        picture.add(picture.coder.encode(header.model, header.gain, q))
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
