from __future__ import annotations

from encoder.codecs.causal import causal_mask


def test_causal_mask_covers_the_twelve_neighbours_before() -> None:
    mask = causal_mask()[0, 0]
    assert mask.sum() == 12
    assert mask[2, 2:].sum() == mask[3:].sum() == 0
