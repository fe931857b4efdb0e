"""A whole set of pictures under one byte budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from decoder_pkg.archive import Entry, entry_size, write_archive
from encoder.pictures import load_picture
from encoder.sweep import SWEEP, CandidateCache, Measured, PictureCoder
from encoder.weights import Zoo
from eval.metrics import ms_ssim

from .allocation import Allocation, Options, allocate


@dataclass(frozen=True)
class SweptPicture:
    """A picture's name, its pixel count and its candidates."""

    name: str
    pixels: int
    candidates: tuple[Measured, ...]

    def options(self) -> Options:
        """Bytes in the archive and squared error of each candidate."""
        sizes = [entry_size(row.candidate.entry(self.name)) for row in self.candidates]
        errors = [row.candidate.squared_error for row in self.candidates]
        return Options(np.array(sizes, dtype=np.int64), np.array(errors, dtype=np.float64))


def similarity(original: np.ndarray, decoded: np.ndarray) -> dict[str, float]:
    """What the sweep records beside the squared error."""
    return {"ms_ssim": ms_ssim(original, decoded)}


def sweep_set(zoo: Zoo, files: Sequence[Path], cache: CandidateCache) -> list[SweptPicture]:
    """Codes every picture at every model and sweep gain; finished candidates are kept and not made again."""
    swept = []
    with tqdm(total=len(files) * len(zoo.models) * len(SWEEP), desc="candidates", unit="stream") as progress:
        for file in files:
            pixels = load_picture(file)
            coder = PictureCoder(pixels, zoo, cache, similarity)
            candidates = []
            for measured in coder.sweep():
                candidates.append(measured)
                progress.update()
            swept.append(SweptPicture(file.stem, pixels.shape[0] * pixels.shape[1], tuple(candidates)))
    return swept


def fill_budget(zoo: Zoo, swept: Sequence[SweptPicture], budget: int) -> tuple[bytes, Allocation]:
    """The archive of at most `budget` bytes with the least squared error.

    Raises:
      InfeasibleBudget: the smallest candidates do not fit.
    """
    options = [picture.options() for picture in swept]
    smallest = [picture.candidates[int(np.argmin(o.bytes))] for picture, o in zip(swept, options, strict=True)]
    fixed = len(_archive(zoo, swept, smallest)) - sum(int(o.bytes.min()) for o in options)
    allocation = allocate(options, budget - fixed)
    chosen = [picture.candidates[index] for picture, index in zip(swept, allocation.choice, strict=True)]
    data = _archive(zoo, swept, chosen)
    assert len(data) == fixed + allocation.bytes <= budget
    return data, allocation


def _archive(zoo: Zoo, swept: Sequence[SweptPicture], chosen: Sequence[Measured]) -> bytes:
    entries: list[Entry] = [row.candidate.entry(picture.name) for picture, row in zip(swept, chosen, strict=True)]
    return write_archive(zoo.bundle.id, entries)
