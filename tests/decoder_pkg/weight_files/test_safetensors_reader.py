from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save

from decoder_pkg.errors import WeightsError
from decoder_pkg.weight_files.safetensors_reader import parse_safetensors

ARRAYS: dict[str, NDArray[Any]] = {
    "a": np.arange(6, dtype=np.int16).reshape(2, 3),
    "b": np.linspace(0, 1, 5, dtype=np.float16),
    "c": np.array([2**31], dtype=np.uint32),
    "d": np.zeros((0, 4), dtype=np.float32),
}


def test_reader_agrees_with_the_library() -> None:
    data = save(ARRAYS, {"architecture": "1"})
    parsed = parse_safetensors(data)
    assert parsed.metadata == {"architecture": "1"}
    for name, array in load(data).items():
        assert parsed.tensors[name].dtype == array.dtype
        assert np.array_equal(parsed.tensors[name], array)


def test_every_cut_is_refused() -> None:
    data = save(ARRAYS)
    for length in range(len(data)):
        with pytest.raises(WeightsError):
            parse_safetensors(data[:length])


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "I16", "shape": [2, 3], "data_offsets": [0, 10]},
        {"dtype": "I16", "shape": [2, 3], "data_offsets": [-2, 10]},
        {"dtype": "I16", "shape": [-2, -3], "data_offsets": [0, 12]},
        {"dtype": "I16", "shape": [2**40, 2**40], "data_offsets": [0, 12]},
        {"dtype": "I16", "shape": [2**70], "data_offsets": [0, 12]},
        {"dtype": "I16", "shape": [float("inf")], "data_offsets": [0, 12]},
        {"dtype": "OBJECT", "shape": [2, 3], "data_offsets": [0, 12]},
        {"dtype": "I16", "shape": "23", "data_offsets": [0, 12]},
        {"dtype": "I16", "shape": [6]},
        [],
    ],
)
def test_layout_that_does_not_fit_is_refused(entry: object) -> None:
    header = json.dumps({"a": entry}).encode()
    with pytest.raises(WeightsError):
        parse_safetensors(len(header).to_bytes(8, "little") + header + bytes(12))


@pytest.mark.parametrize("metadata", [[], "text", 7, None, True, {"a": 1}, {"a": None}, {"a": ["b"]}, {"a": {}}])
def test_metadata_of_another_type_is_refused(metadata: object) -> None:
    header = json.dumps({"__metadata__": metadata}).encode()
    with pytest.raises(WeightsError, match="header is damaged"):
        parse_safetensors(len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize(
    "header", [b"[]", b"7", b"null", b'"text"', b"[" * 10**5, b"{" * 10**5, b"\xff\xfe", b"9" * 5000]
)
def test_header_that_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(WeightsError, match="header is damaged"):
        parse_safetensors(len(header).to_bytes(8, "little") + header)
