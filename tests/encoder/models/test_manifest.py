from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from decoder_pkg.decoder import decode_archive
from decoder_pkg.errors import WeightsError
from decoder_pkg.models.bundle import load_bundle
from decoder_pkg.models.manifest import WEIGHTS
from decoder_pkg.stream.container import read_archive
from encoder.models import KINDS, Zoo, check_known_model, load_zoo, read_encoder_manifest
from tests.paths import GOLDEN

ROW: dict[str, Any] = {"id": 1, "name": "a", "file": "a.safetensors", "sha256": ""}


def changed(folder: Path, row: dict[str, Any]) -> Path:
    """The golden encoder's weights with other fields in the row of their first model."""
    shutil.copytree(GOLDEN / "encoder", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["models"][0] |= row
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_what_only_the_encoder_knows_changes_no_byte_of_the_decoder(
    golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path
) -> None:
    before = (GOLDEN / "decoder/manifest.json").read_bytes()
    facts = {"gains": [8, 24], "distortion": "ms-ssim", "hours": 99.0, "name": "other", "licence": "none"}
    zoo = load_zoo(GOLDEN / "decoder", changed(tmp_path / "encoder", facts))
    assert zoo.models[7].gains == range(8, 25)
    assert zoo.models[7].metric == "ms-ssim"
    assert (GOLDEN / "decoder/manifest.json").read_bytes() == before
    assert zoo.bundle.digest == golden_zoo.bundle.digest
    assert zoo.models[7].digest == golden_zoo.models[7].digest
    assert all(decoded.error is None for decoded in decode_archive(zoo.bundle, read_archive(golden_stream)))


@pytest.mark.parametrize("folder", [GOLDEN / "decoder", GOLDEN / "filtered", WEIGHTS], ids=["plain", "filtered", "own"])
def test_manifest_that_ships_holds_nothing_that_the_decoder_does_not_need(folder: Path) -> None:
    whole = json.loads((folder / "manifest.json").read_text())
    assert whole.keys() == {"models", "filters"}
    assert {name for row in whole["models"] for name in row} <= {"id", "file", "sha256", "base"}
    assert {name for row in whole["filters"] for name in row} <= {"id", "filter", "file", "sha256"}


@pytest.mark.parametrize("gains", [[3], [9, 3], [0, 49], [-1, 3], [0.0, 3.0], 7, ["0", "3"], [0, 1, 2], None])
def test_gains_that_cannot_be_are_refused(tmp_path: Path, gains: object) -> None:
    with pytest.raises(WeightsError, match="manifest"):
        load_zoo(GOLDEN / "decoder", changed(tmp_path / "encoder", {"gains": gains}))


@pytest.mark.parametrize(
    "change", [{"id": "7"}, {"id": 1.0}, {"name": 3}, {"file": None}, {"sha256": 3}, {"distortion": 3}], ids=str
)
def test_row_that_is_no_model_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    check_known_model(ROW)
    with pytest.raises(ValueError, match=next(iter(change))):
        check_known_model(ROW | change)
    with pytest.raises(WeightsError, match=r"manifest\.json is damaged"):
        read_encoder_manifest(changed(tmp_path / "encoder", change))


@pytest.mark.parametrize("text", ["", "{", "[" * 10**5, "[]", "{}", '{"models": [3], "filters": []}', '{"models": []}'])
def test_text_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(WeightsError, match=r"manifest\.json is damaged"):
        read_encoder_manifest(tmp_path)


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"manifest\.json is missing"):
        read_encoder_manifest(tmp_path)


@pytest.mark.parametrize("change", [{"id": 9}, {"file": "smoke-quadtree.safetensors"}], ids=str)
def test_model_of_which_the_encoder_has_no_half_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=r"does not name model 7 with smoke\.safetensors"):
        load_zoo(GOLDEN / "decoder", changed(tmp_path / "encoder", change))


def test_analysis_of_another_training_is_told_from_the_one_that_the_manifest_names(tmp_path: Path) -> None:
    zoo = load_zoo(GOLDEN / "decoder", changed(tmp_path / "encoder", {"sha256": "0" * 64}))
    with pytest.raises(WeightsError, match="another file"):
        _ = zoo.models[7].floats
    assert load_bundle(GOLDEN / "decoder").models.keys() == zoo.models.keys()


@pytest.mark.parametrize("value", [None, True, 1, -1, 1.5, 1e300, "", "text", [], [1], {}, {"a": 1}], ids=repr)
def test_no_type_of_a_known_models_field_is_believed(value: object) -> None:
    for name, kinds in {"id": (int,), "name": (str,), "file": (str,), "sha256": (str,), **KINDS}.items():
        if type(value) not in kinds:
            with pytest.raises(ValueError, match=name):
                check_known_model(ROW | {name: value})


@pytest.mark.parametrize("gains", [[], [1], [1, 2, 3], [2, 1], [-1, 2], [0, 49], [True, 2], [0, "2"], [0.0, 2]])
def test_gains_that_are_no_range_are_refused(gains: list[object]) -> None:
    with pytest.raises(ValueError, match="gains"):
        check_known_model(ROW | {"gains": gains})
