from __future__ import annotations

import pandas as pd
import pytest

from eval.published import PUBLISHED_SETS
from rate_control.allocation.budget import TARGETS, budget_bytes
from rate_control.allocation.interpolation import interpolate_candidates
from rate_control.allocation.table import allocate_table
from tests.paths import TESTS

REFERENCE = TESTS / "rate_control" / "reference"


def test_optimal_split_of_another_codec_gives_the_known_scores() -> None:
    """Cool-Chic 5.0 on the 41 pictures of 2021, from five published points a picture."""
    points = pd.read_csv(REFERENCE / "coolchic5_clic.csv")
    points["image"] = points["dataset"].str.removeprefix("clic20-pro-valid/")
    pixels = pd.read_csv(PUBLISHED_SETS[0].pictures)
    table = interpolate_candidates(points.merge(pixels, on="image"))
    assert table["image"].nunique() == 41
    scores = [
        allocate_table(table, budget_bytes(int(pixels["pixels"].sum()), target)).values["psnr"] for target in TARGETS
    ]
    assert scores == pytest.approx([30.42, 32.92, 35.76], abs=0.05)
