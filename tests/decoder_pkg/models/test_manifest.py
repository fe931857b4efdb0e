from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from decoder_pkg.errors import WeightsError
from decoder_pkg.models.bundle import load_bundle
from decoder_pkg.models.manifest import MAX_MANIFEST_BYTES, check_manifest, read_manifest
from tests.paths import GOLDEN

MODEL: dict[str, Any] = {"id": 1, "file": "a", "sha256": ""}
FILTER: dict[str, Any] = {"id": 0, "file": "f", "sha256": "", "filter": "linear"}
SOUND: dict[str, Any] = {"models": [MODEL, MODEL | {"id": 2, "file": "b", "base": 1}], "filters": [FILTER]}


def test_sound_manifest_is_read_as_it_is() -> None:
    manifest = check_manifest(SOUND)
    assert manifest.models == SOUND["models"]
    assert manifest.filters == SOUND["filters"]
    assert manifest.files == ["a", "b", "f"]


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 10**5, b"[]", b"3"])
def test_text_that_is_no_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(WeightsError, match="is damaged"):
        read_manifest(tmp_path)


def test_manifest_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(json.dumps(SOUND).encode() + bytes(MAX_MANIFEST_BYTES))
    with pytest.raises(WeightsError, match="more than"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "lists",
    [{"models": 3}, {"models": []}, {"models": ""}, {"models": {}}, {"models": [3]}, {"models": [{}]}, {"models": None},
     {"filters": 3}, {"filters": None}, {"filters": {}}, {"filters": [[]]}, {"filters": [3]}, {"filters": [{}]}],
)  # fmt: skip
def test_rows_that_are_none_are_refused(tmp_path: Path, lists: dict[str, Any]) -> None:
    refused(tmp_path, SOUND | lists)


@pytest.mark.parametrize("name", ["models", "filters"])
def test_manifest_without_one_of_its_lists_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, {key: rows for key, rows in SOUND.items() if key != name})


ODD_FIELDS: tuple[dict[str, Any], ...] = (
    {"id": "x"},
    {"id": 1e999},
    {"id": 1.0},
    {"id": True},
    {"id": -1},
    {"id": 256},
    {"file": "../decoder/smoke.safetensors"},
    {"file": "/etc/passwd"},
    {"file": "."},
    {"file": 7},
    {"file": None},
    {"sha256": 7},
    {"sha256": None},
)


@pytest.mark.parametrize("change", [*ODD_FIELDS, {"base": 1}, {"base": 2}, {"base": "1"}, {"base": None}], ids=str)
def test_model_row_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    refused(tmp_path, SOUND | {"models": [MODEL | change]})


@pytest.mark.parametrize("change", [*ODD_FIELDS, {"id": 8}, {"filter": "none"}, {"filter": 3}, {"filter": []}], ids=str)
def test_filter_row_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    refused(tmp_path, SOUND | {"filters": [FILTER | change]})


@pytest.mark.parametrize("name", ["id", "file", "sha256"])
@pytest.mark.parametrize("rows", ["models", "filters"])
def test_row_without_a_field_is_refused(tmp_path: Path, rows: str, name: str) -> None:
    row = {key: value for key, value in SOUND[rows][0].items() if key != name}
    refused(tmp_path, SOUND | {rows: [row]})


@pytest.mark.parametrize(
    "lists",
    [
        {"models": [MODEL, MODEL | {"file": "b"}]},
        {"models": [MODEL, MODEL | {"id": 2}]},
        {"models": [MODEL | {"base": 2}, MODEL | {"id": 2, "file": "b"}]},
        {"filters": [FILTER, FILTER | {"file": "g"}]},
        {"filters": [FILTER, FILTER | {"id": 1}]},
        {"filters": [FILTER | {"file": "a"}]},
    ],
    ids=["two models of an id", "two of a file", "base comes later", "two filters of an id", "of a file", "mixed"],
)
def test_rows_that_do_not_fit_together_are_refused(tmp_path: Path, lists: dict[str, Any]) -> None:
    refused(tmp_path, SOUND | lists)


@pytest.mark.parametrize("name", ["a\0", "\ud800", ""])
def test_file_name_that_no_file_has_is_refused(tmp_path: Path, name: str) -> None:
    shutil.copytree(GOLDEN / "decoder", tmp_path / "decoder")
    (tmp_path / "decoder/manifest.json").write_text(json.dumps(SOUND | {"models": [MODEL | {"file": name}]}))
    with pytest.raises(WeightsError):
        load_bundle(tmp_path / "decoder")


def refused(folder: Path, whole: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(whole))
    with pytest.raises(WeightsError, match=r"manifest\.json is damaged"):
        read_manifest(folder)


ODD = [None, True, 1, -1, 1.5, 1e300, "", "text", [], [1], {}, {"a": 1}]
KINDS = {"id": int, "file": str, "sha256": str, "base": int}


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_no_type_of_a_manifest_field_is_believed(value: object) -> None:
    for forged in ({**SOUND, "models": value}, {**SOUND, "models": [value]}, {**SOUND, "filters": [value]}, value):
        with pytest.raises(ValueError, match=r"field|type|models"):
            check_manifest(forged)
    for name, kind in KINDS.items():
        if type(value) is not kind:
            with pytest.raises(ValueError, match=name):
                check_manifest({**SOUND, "models": [MODEL, MODEL | {"id": 2, "file": "b", name: value}]})
    if type(value) is not str:
        with pytest.raises(ValueError, match="filter"):
            check_manifest({**SOUND, "filters": [FILTER | {"filter": value}]})
