import math

import pytest

from training.loop.divergence import FEWEST, DivergenceError, LossWatch


def watched(watch: LossWatch, losses: list[float]) -> None:
    for loss in losses:
        watch.add(loss)
    watch.check()


def test_one_odd_picture_does_not_end_a_healthy_run() -> None:
    watch = LossWatch()
    watched(watch, [0.75] * FEWEST)
    watched(watch, [0.75] * FEWEST + [615.0, math.nan])
    assert watch.least == 0.75


def test_run_that_broke_late_is_not_taken_for_healthy() -> None:
    watch = LossWatch()
    watched(watch, [0.75] * FEWEST)
    with pytest.raises(DivergenceError):
        watched(watch, [0.75] * 3 * FEWEST + [math.nan] * FEWEST)


@pytest.mark.parametrize("loss", [1.0, math.inf, math.nan])
def test_loss_that_stays_high_or_is_no_number_ends_the_run(loss: float) -> None:
    watch = LossWatch()
    watched(watch, [0.75] * FEWEST)
    with pytest.raises(DivergenceError, match=r"rose from 0\.75"):
        watched(watch, [loss] * FEWEST)
