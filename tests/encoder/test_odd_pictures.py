"""Pictures that no photograph resembles are coded as well as the better of the codecs at hand codes them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.byte_budget import BudgetError, encode_within
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from tests.av1_zoo import AV1, page

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 72, 100
LONGEST = 65535
LOST = 1.03
"""Squared error may be so much larger: predictions choose between settings that are nearly as good."""


def grey(levels: NDArray[np.integer]) -> Pixels:
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)


def line_art() -> Pixels:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return grey(np.where(abs((rows - 30) ** 2 + (columns - 50) ** 2 - 600) < 60, 0, 255))


ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
KINDS: dict[str, Pixels] = {
    "flat": np.full((HEIGHT, WIDTH, 3), (200, 30, 90), np.uint8),
    "two colours": grey(np.where(ROWS // 9 % 2 == COLUMNS // 13 % 2, 20, 230)),
    "noise": np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
    "line art": line_art(),
    "one-pixel checkerboard": grey((ROWS + COLUMNS) % 2 * 255),
    "gradient": grey(ROWS + COLUMNS),
    "page": page(HEIGHT, WIDTH),
    "one row": np.tile(page(14, 100)[7], (3, 1))[None],
}


def least_error(zoo: Zoo, pixels: Pixels, cache: Path, budget: int) -> float:
    try:
        coder = PictureCoder(pixels, zoo, CandidateCache(cache))
        return encode_within(coder, lambda candidate: candidate.header.length, budget).squared_error
    except BudgetError:
        return np.inf


COARSE = ("one-pixel checkerboard", 0.3), ("page", 0.5)
"""Just above the coarsest stream of AV1."""


@pytest.mark.parametrize(("kind", "bpp"), [*product(KINDS, (0.8, 1.5)), *COARSE])
def test_picture_is_coded_no_worse_than_by_the_better_codec_alone(
    av1_zoo: Zoo, tmp_path: Path, kind: str, bpp: float
) -> None:
    pixels = KINDS[kind]
    budget = int(pixels[..., 0].size * bpp / 8) + 40
    learned = [number for number in av1_zoo.models if number != AV1]
    together, *alone = (
        least_error(zoo, pixels, tmp_path, budget) for zoo in (av1_zoo, av1_zoo.only(learned), av1_zoo.only([AV1]))
    )
    assert np.isfinite(together)
    assert together <= LOST * min(alone) + pixels.size / 100


@pytest.mark.parametrize("size", [(1, LONGEST), (LONGEST, 1)])
def test_longest_picture_is_left_to_the_models_for_pillow_does_not_decode_it(
    av1_zoo: Zoo, tmp_path: Path, size: tuple[int, int]
) -> None:
    """A run must not end where one codec cannot code a picture."""
    pixels = grey(np.arange(LONGEST).reshape(size) // 300)
    assert PictureCoder(pixels, av1_zoo, CandidateCache(tmp_path)).estimates.of(AV1) == []
