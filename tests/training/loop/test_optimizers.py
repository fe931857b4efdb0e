from __future__ import annotations

import pytest

from training.config import TrainConfig
from training.loop.optimizers import learning_rate_factor


def test_learning_rate_warms_up_stays_and_falls() -> None:
    config = TrainConfig(iterations=1000, warmup=100, decay=0.3)
    factors = [learning_rate_factor(i, config) for i in (0, 50, 100, 600, 850, 999)]
    assert factors[0] == pytest.approx(0.01)
    assert factors[2] == factors[3] == 1.0
    assert factors[4] == pytest.approx(0.5)
    assert factors[5] < 0.01
