from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.training.runs import SMOKE
from training.data.batches import TrainingBatches
from training.data.crops import CropSet


def test_every_batch_sees_low_and_high_rates(crops: CropSet) -> None:
    batches = TrainingBatches(crops, replace(SMOKE, batch=4, gain_low=8, gain_high=15))
    drawn = np.array([batches[iteration].gains.numpy() for iteration in range(50)])
    assert {tuple(row // 2) for row in drawn} == {(4, 5, 6, 7)}
    assert set(drawn.ravel()) == set(range(8, 16))
