from __future__ import annotations

import numpy as np
import torch

from training.data.crops import CropSet
from training.data.cutting import Cutter


def test_windows_cut_on_a_gpu_are_those_that_cores_cut(crops: CropSet) -> None:
    places = crops.place(np.random.default_rng(2), 24, 96)
    cut = Cutter(crops.crops, 96, torch.device("cpu")).windows(places)
    expected = crops.windows(places, 96)
    reduced = places[:, 3] > 96
    assert 6 < reduced.sum() < 18
    assert {tuple(turns) for turns in places[:, 4:].tolist()} > {(0, 0, 0), (1, 0, 1)}
    assert torch.equal(cut[~reduced], expected[~reduced].float())
    # Pillow rounds to whole levels between rows and columns.
    assert (cut - expected).abs().mean() < 0.5
    assert (cut - expected).abs().max() < 8
