from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save

from decoder_pkg.errors import WeightsError
from decoder_pkg.models.bundle import DecoderModel, load_bundle
from tests.decoder_pkg.test_decoder import damaged
from tests.paths import GOLDEN


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    for position, error in ((20, WeightsError), (5000, WeightsError)):
        folder = tmp_path / str(position)
        shutil.copytree(GOLDEN / "decoder", folder)
        path = folder / "smoke.safetensors"
        path.write_bytes(damaged(path.read_bytes(), position))
        with pytest.raises(error):
            load_bundle(folder)


def fake_weights(change: dict[str, np.ndarray | None]) -> bytes:
    """The golden weights with other tensors (None: without one), in a file that is sound in itself."""
    path = GOLDEN / "decoder/smoke.safetensors"
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    tensors = {name: array for name, array in (tensors | change).items() if array is not None}
    return save(tensors, metadata)


FREQUENCIES = load_file(GOLDEN / "decoder/smoke.safetensors")["gaussian.frequency"]


ODD_TENSORS: dict[str, dict[str, np.ndarray | None]] = {
    "absent": {"log_q": None},
    "channel dropped": {"hyper.enter.weight": np.zeros((9, 7, 16), np.int16)},
    "wide weights": {"hyper.enter.weight": np.zeros((9, 8, 16), np.int32)},
    "float bias": {"hyper.enter.bias": np.zeros(16, np.float64)},
    "negative shift": {"hyper.enter.shift": np.full(16, -1, np.int8)},
    "sum beyond float64": {"hyper.enter.bias": np.full(16, 2**62, np.int64)},
    "2-d support": {"gaussian.support": np.full((8, 8), 2, np.int32)},
    "0-d support": {"gaussian.support": np.array(2, np.int32)},
    "empty support": {"gaussian.support": np.zeros(0, np.int32)},
    "negative support": {"gaussian.support": np.full(64, -5, np.int32)},
    "largest support": {"gaussian.support": np.full(64, 2**31 - 1, np.int32)},
    "zero frequencies": {"gaussian.frequency": FREQUENCIES * np.uint32(0)},
    "bin of no table": {"gaussian.table_of_bin": np.full(256, 64, np.uint8)},
    "signed bins": {"gaussian.table_of_bin": np.full(256, -1, np.int8)},
    "short log q": {"log_q": np.zeros(255, np.int16)},
    "far offset": {"hyper_prior.offset": np.full((7, 8), 2**40, np.int64)},
    "no number in the synthesis": {"synthesis.enter.bias": np.full(16, np.nan, np.float32)},
    "infinity in the synthesis": {"synthesis.enter.bias": np.full(16, np.inf, np.float32)},
    "synthesis of another width": {"synthesis.enter.bias": np.zeros(15, np.float32)},
}


@pytest.mark.parametrize("change", ODD_TENSORS.values(), ids=ODD_TENSORS)
def test_weights_that_do_not_fit_are_refused_when_the_networks_are_built(change: dict[str, np.ndarray | None]) -> None:
    DecoderModel(fake_weights({})).build()
    with pytest.raises(WeightsError):
        DecoderModel(fake_weights(change)).build()


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "decoder", tmp_path / "weights")
    path = tmp_path / "weights" / "smoke.safetensors"
    data = path.read_bytes()
    for length in (0, 7, 8, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError):
            load_bundle(tmp_path / "weights")
        with pytest.raises(WeightsError):
            DecoderModel(data[:length])


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[" * 10**5,
        b'{"models": 3}',
        b'{"models": [{}]}',
        b'{"models": [{"id": 1, "file": "../decoder/smoke.safetensors", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": "smoke.safetensors", "sha256": 7}]}',
        b'{"models": [{"id": 1, "file": "smoke.safetensors"}]}',
        b'{"models": [{"id": "x", "file": "smoke.safetensors", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": ".", "sha256": ""}]}',
        b'{"models": [{"id": 1e999, "file": "smoke.safetensors", "sha256": ""}]}',
        b'{"models": [{"id": 256, "file": "smoke.safetensors", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": "a\\u0000", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": "\\ud800", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": "a", "sha256": ""}, {"id": 1, "file": "b", "sha256": ""}]}',
        b'{"models": [{"id": 1, "file": "a", "sha256": ""}, {"id": 2, "file": "a", "sha256": ""}]}',
        b'{"models": []}' + bytes(2**20),
        b'{"models": []}',
        b'{"models": ""}',
        b'{"models": {}}',
    ],
)
def test_forged_manifest_is_refused(tmp_path: Path, manifest: bytes) -> None:
    shutil.copytree(GOLDEN / "decoder", tmp_path / "decoder")
    (tmp_path / "decoder" / "manifest.json").write_bytes(manifest)
    with pytest.raises(WeightsError):
        load_bundle(tmp_path / "decoder")


def test_pipe_in_place_of_a_manifest_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(WeightsError, match="no plain file"):
        load_bundle(tmp_path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"manifest\.json"):
        load_bundle(tmp_path)
