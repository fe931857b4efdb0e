from __future__ import annotations

import gzip
import json
import shutil
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from decoder_pkg.codecs import codec_of, read_layers
from decoder_pkg.errors import WeightsError
from decoder_pkg.models.bundle import DecoderModel, load_bundle
from decoder_pkg.weight_files.deltas import DELTA, SHIFTS, read_weights, zip_weights
from decoder_pkg.weight_files.packed_weights import unpack
from decoder_pkg.weight_files.safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile
from tests.paths import GOLDEN

BASE = TensorFile({"w": np.array([[3, -4], [127, -128]], np.int8), "bias": np.ones(2, np.int64)}, {"kind": "base"})
ZEROS = np.zeros((2, 2), np.int8)


def delta(**change: np.ndarray) -> bytes:
    tensors = {"w" + SHIFTS: np.zeros(2, np.int8)} | ({} if "w__left" in change else {"w" + DELTA: ZEROS})
    return zip_weights(save(tensors | {name.replace("__", "."): array for name, array in change.items()}))


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.integers(0, 5), st.integers(0, 1))
def test_fine_tuned_weights_are_the_sum_of_base_and_delta(seed: int, left: int, right: int, most: int) -> None:
    low, high = np.random.default_rng(seed).integers([[[-128]], [[-most]]], [[[128]], [[most + 1]]], (2, 2, 2))
    parts = {"w__difference": low.astype(np.int8)} | ({"w__high": high.astype(np.int8)} if most else {})
    data = delta(**parts, w__shifts=np.array([left, right], np.int8))
    tuned = read_weights(data, BASE).tensors["w"]
    assert tuned.dtype == np.int16
    assert (tuned == BASE.tensors["w"].astype(np.int64) * 2**left + (low + 256 * high) * 2**right).all()


@given(st.integers(0, 2**32 - 1), st.integers(-7, 7), st.integers(2, 14), st.integers(0, 3))
def test_copy_is_what_the_base_and_matrices_of_low_rank_add_up_to(seed: int, a: int, b: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.integers(-128, 128, (2, rank)), rng.integers(-128, 128, (rank, 2))
    factors: dict[str, np.ndarray] = {"w__left": left.astype(np.int8), "w__right": right.astype(np.int16)}
    tuned = read_weights(delta(**factors, w__shifts=np.array([a, b], np.int8)), BASE).tensors["w"]
    assert tuned.dtype == np.int16
    added = [[round(Fraction(int(number), 2**b)) for number in row] for row in left @ right]
    assert (tuned == np.floor(BASE.tensors["w"].astype(np.float64) * 2.0**a) + added).all()


def test_whole_model_may_hold_deltas_to_zeros() -> None:
    codes = np.array([[1, -2], [3, -128]], np.int8)
    data = delta(w__difference=codes, w__high=codes // 4, w__shifts=np.array([0, 1], np.int8), bias=np.ones(2))
    whole = read_weights(data).tensors
    assert whole.keys() == {"w", "bias"}
    assert (whole["w"] == 2 * (codes.astype(int) + 256 * (codes // 4).astype(int))).all()
    with pytest.raises(WeightsError, match="no tensor of small integers"):
        read_weights(delta(w__left=ZEROS, w__right=ZEROS))


def test_what_has_no_delta_is_replaced_or_kept() -> None:
    whole = np.array([7, 8], np.int64)
    tuned = read_weights(delta(bias=whole), BASE)
    assert tuned.tensors.keys() == {"w", "bias"}
    assert tuned.tensors["bias"].tolist() == [7, 8]
    assert tuned.metadata == {"kind": "base"}
    assert read_weights(delta(), BASE).tensors["bias"].tolist() == [1, 1]


ODD: dict[str, dict[str, np.ndarray]] = {
    "another shape": {"w__difference": np.zeros((2, 3), np.int8)},
    "wide codes": {"w__difference": np.zeros((2, 2), np.int16)},
    "wide high codes": {"w__high": np.zeros((2, 2), np.int16)},
    "high codes of another shape": {"w__high": np.zeros((3, 2), np.int8)},
    "float codes": {"w__difference": np.zeros((2, 2), np.float32)},
    "one shift": {"w__shifts": np.zeros(1, np.int8)},
    "negative shift": {"w__shifts": np.array([0, -1], np.int8)},
    "base shifted down": {"w__shifts": np.array([-8, 0], np.int8)},
    "large shift": {"w__shifts": np.array([0, 15], np.int8)},
    "wide shifts": {"w__shifts": np.zeros(2, np.int64)},
    "sum beyond 16 bits": {"w__shifts": np.array([9, 0], np.int8)},
    "of a tensor that the base lacks": {"v__difference": ZEROS, "v__shifts": np.zeros(2, np.int8)},
    "of a tensor of other numbers": {"bias__difference": np.zeros(2, np.int8), "bias__shifts": np.zeros(2, np.int8)},
    "delta and factors": {"w__left": ZEROS, "w__right": ZEROS, "w.difference": ZEROS},
    "left factor alone": {"w__left": ZEROS},
    "factors of different rank": {"w__left": ZEROS, "w__right": np.zeros((1, 2), np.int8)},
    "factors of another size": {"w__left": ZEROS, "w__right": np.zeros((2, 3), np.int8)},
    "factors of too high a rank": {"w__left": np.zeros((2, 65), np.int8), "w__right": np.zeros((65, 2), np.int8)},
    "wide factor": {"w__left": ZEROS, "w__right": np.zeros((2, 2), np.int32)},
    "float factor": {"w__left": np.zeros((2, 2), np.float32), "w__right": ZEROS},
    "factor that is no matrix": {"w__left": ZEROS, "w__right": np.zeros(2, np.int8)},
    "product beyond 16 bits": {"w__left": ZEROS + 127, "w__right": np.full((2, 2), 2000, np.int16)},
    "factors of what the base lacks": {"v__left": ZEROS, "v__right": ZEROS, "v__shifts": np.zeros(2, np.int8)},
    "without shifts": {"bias__difference": np.zeros(2, np.int8)},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_deltas_that_do_not_fit_are_refused(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(WeightsError):
        read_weights(delta(**change), BASE)


def test_damaged_delta_is_refused() -> None:
    data = delta(bias=np.arange(2))
    cut = [data[:length] for length in range(0, len(data), 7)]
    changed = [data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :] for place in range(10, len(data), 5)]
    for damaged in [*cut, *changed, data + b"x"]:
        with pytest.raises(WeightsError):
            read_weights(damaged, BASE)


def test_delta_that_unpacks_to_more_than_any_model_is_refused() -> None:
    with pytest.raises(WeightsError, match="holds more than"):
        read_weights(gzip.compress(bytes(MAX_WEIGHTS_BYTES + 1)), BASE)


def test_whole_model_may_be_gzipped_or_plain() -> None:
    plain = save({"w": np.arange(3)})
    for data in (plain, zip_weights(plain), gzip.compress(plain)):
        assert read_weights(data).tensors["w"].tolist() == [0, 1, 2]


def copy_of_golden(folder: Path, **row: object) -> Path:
    """The golden models and a third that is stored as a delta to the first, with other fields of its row."""
    shutil.copytree(GOLDEN / "decoder", folder)
    data = zip_weights(save({"synthesis.enter.bias": np.ones(16, np.float32)}))
    (folder / "tuned.safetensors.gz").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    base = manifest["models"][0]["id"]
    tuned = {"id": 99, "file": "tuned.safetensors.gz", "sha256": sha256(data).hexdigest(), "base": base}
    manifest["models"].append(tuned | row)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_bundle_holds_a_copy_beside_its_base(tmp_path: Path) -> None:
    models = load_bundle(copy_of_golden(tmp_path / "weights")).models
    base = next(iter(models.values()))
    assert models[99].arch == base.arch
    assert models[99].digest != base.digest
    biases = [unpack(model.file.tensors, "synthesis.")["enter.bias"] for model in (base, models[99])]
    assert [bool((bias == 1).all()) for bias in biases] == [False, True]
    rows = codec_of(base.arch).layers(base.arch)
    first, second = (read_layers(rows, model.reader) for model in (base, models[99]))
    assert all((first[row.name].weight == second[row.name].weight).all() for row in rows)


@pytest.mark.parametrize("row", [{"base": 98}, {"base": 99}, {"base": "1"}, {"base": None}])
def test_row_with_a_base_that_cannot_be_is_refused(tmp_path: Path, row: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="manifest"):
        load_bundle(copy_of_golden(tmp_path / "weights", **row))


def test_delta_read_as_a_whole_model_is_refused() -> None:
    with pytest.raises(WeightsError):
        DecoderModel(delta())
