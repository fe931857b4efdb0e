from __future__ import annotations

from itertools import pairwise

from encoder.codecs.av1 import Av1Encoder
from encoder.codecs.av1.quantisers import COARSEST, FINEST, quality_of, quantiser_at


def test_every_setting_stands_for_a_quantiser_of_its_own_and_finds_it_again() -> None:
    """Else two settings would be coded for one stream, or a candidate would be another than its curve says."""
    settings = Av1Encoder().settings(9)
    assert [quantiser_at(setting.position) for setting in settings] == list(range(COARSEST, FINEST - 1, -1))
    assert all(before.position < after.position for before, after in pairwise(settings))
    assert all(setting.model == 9 and 0 <= setting.gain <= 48 and 1 <= setting.q <= 255 for setting in settings)


def test_anchors_are_settings_and_reach_from_coarse_to_fine() -> None:
    """A curve that ends before its settings do is a guess there."""
    settings, anchors = Av1Encoder().settings(9), Av1Encoder().anchors(9)
    assert set(anchors) <= set(settings)
    assert settings[0] in anchors
    assert max(settings.index(anchor) for anchor in anchors) > 0.8 * len(settings)


def test_quality_is_the_one_that_libavif_maps_to_the_quantiser() -> None:
    assert all(((100 - quality_of(number)) * 63 + 50) // 100 == number for number in range(64))
