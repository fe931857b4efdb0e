from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.errors import WeightsError
from decoder_pkg.weight_files.packed_weights import Arrays, pack, unpack


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-6, 1.0, 1e3]))
def test_packed_weights_are_off_by_half_a_step_at_most(seed: int, size: float) -> None:
    weight = (np.random.default_rng(seed).standard_normal((5, 3, 2, 2)) * size).astype(np.float32)
    packed, scale = pack(weight)
    assert packed.dtype == np.int16
    back = unpack({"net.w": packed, "net.w.scale": scale, "other.w": packed}, "net.")
    assert list(back) == ["w"]
    assert (np.abs(back["w"] - weight) <= 0.51 * scale[:, None, None, None]).all()
    assert (4 * np.abs(packed.astype(int)) < 2**15).all(), "a fine-tuned model could not grow"


def test_channel_of_zeros_stays_zero() -> None:
    packed, scale = pack(np.zeros((2, 3), dtype=np.float32))
    assert np.isfinite(scale).all()
    assert not packed.any()


def test_weights_without_scales_are_taken_as_they_are() -> None:
    weight = np.array([1.5, -2.0], dtype=np.float16)
    assert unpack({"net.w": weight}, "net.")["w"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_scales_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    tensors: Arrays = {"net.w": np.ones((2, 3), dtype=np.int8), "net.w.scale": np.ones(shape, dtype=np.float32)}
    with pytest.raises(WeightsError, match=r"net\.w"):
        unpack(tensors, "net.")
