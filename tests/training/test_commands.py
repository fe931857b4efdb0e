"""What people see who ask for a run that cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from decoder_pkg.models import MANIFEST
from eval.command_line import call_module
from eval.storage import write_json
from training.export.manifests import NewModel, check_rows


@pytest.mark.parametrize("line", ["from_model = 99", 'architecture = "none"', "crop = 512"])
def test_run_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    Image.fromarray(skimage.data.coffee()[:256, :256]).save(data / "one.png")
    (tmp_path / "run.toml").write_text(line)
    options = {"config": tmp_path / "run.toml", "data": data, "evaluation": data, "every": 1, "run": tmp_path / "run"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    monkeypatch.chdir(tmp_path)
    assert call_module("train", "training.commands.train", arguments) == 1
    assert re.match(rf"ConfigError: .*{line.split()[0]}", capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize(
    ("number", "name", "base", "why"),
    [
        (9, "a", None, "share a file"),
        (256, "b", None, "no id from 0 to 255"),
        (0, "b", 1, "no model before it"),
        (9, "../b", None, "no file of the folder"),
    ],
)
def test_export_that_would_break_the_models_there_are_is_refused(
    tmp_path: Path, number: int, name: str, base: int | None, why: str
) -> None:
    known = {"id": 1, "file": "a.safetensors", "sha256": ""}
    write_json(tmp_path / MANIFEST, {"models": [known], "filters": []})
    with pytest.raises(ValueError, match=why):
        check_rows(tmp_path, NewModel(number, name, f"{name}.safetensors", base, {}))
    check_rows(tmp_path, NewModel(1, "a", "a.safetensors", None, {}))


def test_export_of_a_run_that_is_none_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(skimage.data.coffee()[:256, :256]).save(tmp_path / "one.png")
    options = ["--run", "none", "--id", "1", "--name", "one", "--data", "."]
    assert call_module("export", "training.commands.export", options) == 1
    assert re.fullmatch("RunError: none/config.json is missing: give --run .*\n", capsys.readouterr().err)


def test_crops_that_are_nowhere_are_asked_for_by_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_module("filter-basis", "training.commands.filter_basis", ["--data", str(tmp_path / "none")]) == 1
    assert re.search("CropError: .*none cannot be read.*--data", capsys.readouterr().err)


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "\u0661", "9" * 18, "2147483648"])
@pytest.mark.parametrize("option", ["train --threads", "filter-basis --crops", "filter-basis --filters"])
def test_number_beyond_all_reason_is_refused_at_once(
    option: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, name = option.split()
    with pytest.raises(SystemExit) as stopped:
        call_module(verb, f"training.commands.{verb.replace('-', '_')}", [f"{name}={number}"])
    assert stopped.value.code == 2
    assert f"{name}: {number!r} is no" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["-1", "256", "1_0", "\u0661", " 5", "9" * 400])
@pytest.mark.parametrize("name", ["--id", "--base"])
def test_number_that_no_model_has_is_refused_at_once(
    name: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_module("export", "training.commands.export", [f"{name}={number}"])
    assert stopped.value.code == 2
    assert "is no whole number from 0 to 255" in capsys.readouterr().err
