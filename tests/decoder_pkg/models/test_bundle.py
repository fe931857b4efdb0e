from __future__ import annotations

import gzip
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from decoder_pkg.decoder import decode_archive
from decoder_pkg.errors import WeightsError, WrongBundle
from decoder_pkg.models.bundle import DecoderModel, load_bundle
from decoder_pkg.stream.container import Archive, read_archive
from decoder_pkg.weight_files import zip_weights
from tests.golden.make import FILTERED, STREAM
from tests.paths import GOLDEN
from tests.streams import damaged
from tests.weights import fake_weights


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    for position, error in ((20, WeightsError), (5000, WeightsError)):
        folder = tmp_path / str(position)
        shutil.copytree(GOLDEN / "decoder", folder)
        path = folder / "smoke.safetensors"
        path.write_bytes(damaged(path.read_bytes(), position))
        with pytest.raises(error):
            load_bundle(folder)


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
    DecoderModel(fake_weights({})).codec.build()
    with pytest.raises(WeightsError):
        DecoderModel(fake_weights(change)).codec.build()


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


def test_pipe_in_place_of_a_manifest_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(WeightsError, match="no plain file"):
        load_bundle(tmp_path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"manifest\.json"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "3"},
        {"architecture": "2"},
        {"architecture": "x"},
        {"exponents": "{}"},
        {"exponents": "[1]"},
        {"exponents": "3"},
        {"exponents": "{"},
        {"exponents": "[" * 10**5},
    ],
    ids=lambda change: str(change)[:40],
)
def test_metadata_that_describes_no_known_model_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(WeightsError, match="known architecture"):
        DecoderModel(fake_weights({}, change))


@pytest.mark.parametrize("exponent", ["1", 1.5, None, True])
def test_exponent_that_is_no_whole_number_is_refused(exponent: object) -> None:
    exponents = DecoderModel(fake_weights({})).exponents
    with pytest.raises(WeightsError, match=r"hyper\.enter"):
        DecoderModel(fake_weights({}, {"exponents": json.dumps(exponents | {"hyper.enter": exponent})}))


def rewritten(folder: Path, rows: str, number: int, data: bytes, **row: object) -> None:
    """Puts other bytes in place of a file of the folder, its digest into the manifest, and changes its row."""
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = next(found for found in manifest[rows] if found["id"] == number)
    changed |= {"sha256": sha256(data).hexdigest()} | row
    (folder / changed["file"]).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def weights(filtered_weights: Path, tmp_path: Path) -> Path:
    """A copy of the tiny models and their post-filter."""
    shutil.copytree(filtered_weights, tmp_path / "weights")
    return tmp_path / "weights"


def filtered_archive() -> Archive:
    return read_archive((FILTERED / STREAM).read_bytes())


def test_file_that_is_gzipped_anew_leaves_the_bundle_id_and_the_streams_alone(weights: Path) -> None:
    before = load_bundle(weights)
    for rows, number, name in (("models", 7, "smoke.safetensors"), ("filters", 0, "postfilter.safetensors")):
        plain = (weights / name).read_bytes()
        for data in (gzip.compress(plain, 1), gzip.compress(plain, 9), zip_weights(plain)):
            rewritten(weights, rows, number, data)
            after = load_bundle(weights)
            assert after.id_for([7, 8], [0]) == before.id_for([7, 8], [0])
            assert after.digest == before.digest
    assert all(decoded.error is None for decoded in decode_archive(load_bundle(weights), filtered_archive()))


def with_another_model(folder: Path) -> None:
    """Adds a model and a post-filter to a folder of weights, each before those that were there."""
    manifest = json.loads((folder / "manifest.json").read_text())
    model = fake_weights({"synthesis.enter.bias": np.ones(16, np.float32)})
    tensors = load_file(folder / "postfilter.safetensors")
    post_filter = save(tensors | {"basis": -tensors["basis"]})
    for name, data in (("new.safetensors", model), ("second.safetensors", post_filter)):
        (folder / name).write_bytes(data)
    digests = sha256(model).hexdigest(), sha256(post_filter).hexdigest()
    manifest["models"].insert(0, {"id": 3, "file": "new.safetensors", "sha256": digests[0]})
    second = {"id": 1, "filter": "linear", "file": "second.safetensors", "sha256": digests[1]}
    manifest["filters"].insert(0, second)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_stream_decodes_as_before_when_a_model_and_a_filter_join_the_bundle(weights: Path) -> None:
    before = load_bundle(weights)
    with_another_model(weights)
    after = load_bundle(weights)
    assert after.models.keys() == {3, 7, 8}
    assert list(after.filters) == [1, 0]
    assert after.id_for([7, 8], [0]) == before.id_for([7, 8], [0])
    assert after.digest != before.digest
    for one, other in zip(*(decode_archive(bundle, filtered_archive()) for bundle in (before, after)), strict=True):
        assert one.pixels is not None
        assert other.pixels is not None
        assert np.array_equal(one.pixels, other.pixels)


def test_bundle_id_tells_which_models_and_filters_a_stream_uses(weights: Path) -> None:
    with_another_model(weights)
    bundle = load_bundle(weights)
    used = [((7,), ()), ((8,), ()), ((7, 8), ()), ((3, 7), ()), ((7,), (0,)), ((7,), (1,)), ((7,), (0, 1)), ((3,), ())]
    assert len({bundle.id_for(models, filters) for models, filters in used}) == len(used)
    assert bundle.id_for([8, 7, 8], [1, 0]) == bundle.id_for({7, 8}, {0, 1})


@pytest.mark.parametrize(("models", "filters"), [([9], []), ([7], [1])])
def test_bundle_has_no_id_for_what_it_lacks(weights: Path, models: list[int], filters: list[int]) -> None:
    with pytest.raises(KeyError):
        load_bundle(weights).id_for(models, filters)


@pytest.mark.parametrize("name", ["synthesis.enter.bias", "hyper.enter.bias"])
def test_any_other_tensor_of_a_used_model_is_another_bundle(weights: Path, name: str) -> None:
    before = load_bundle(weights)
    bias = load_file(weights / "smoke.safetensors")[name].copy()
    bias[0] += 1
    rewritten(weights, "models", 7, fake_weights({name: bias}))
    after = load_bundle(weights)
    assert after.id_for([7], []) != before.id_for([7], [])
    assert after.id_for([8], [0]) == before.id_for([8], [0])
    with pytest.raises(WrongBundle):
        list(decode_archive(after, filtered_archive()))


def test_model_under_another_id_is_another_bundle(weights: Path) -> None:
    before = load_bundle(weights)
    rewritten(weights, "models", 7, (weights / "smoke.safetensors").read_bytes(), id=9)
    assert load_bundle(weights).id_for([9], []) != before.id_for([7], [])


def test_small_files_that_unpack_to_a_machine_s_memory_are_refused(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decoder_pkg.models.bundle.MAX_BUNDLE_BYTES", 10**5)
    with pytest.raises(WeightsError, match="unpack to more than 100000 bytes"):
        load_bundle(weights)
