"""What people see who ask for a run that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from decoder_pkg.models import MANIFEST
from eval.files import write_json
from training import __main__
from training.export import whole as export
from training.export.manifests import NewModel, check_rows


@pytest.mark.parametrize("line", ["from_model = 99", 'architecture = "none"', "crop = 512"])
def test_run_that_cannot_start_says_why_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    Image.fromarray(skimage.data.coffee()[:256, :256]).save(data / "one.png")
    (tmp_path / "run.toml").write_text(line)
    options = {"config": tmp_path / "run.toml", "data": data, "evaluation": data, "every": 1, "run": tmp_path / "run"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    monkeypatch.setattr("sys.argv", ["python -m training", *arguments])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=rf"(Value|Config)Error: .*{line.split()[0]}"):
        __main__.main()


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
    monkeypatch.setattr("sys.argv", ["python -m training.export.whole", *options])
    assert export.main() == 1
    assert "none/config.json" in capsys.readouterr().err
