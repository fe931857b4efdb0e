from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from eval.command_line import call_module


def run(*arguments: object) -> int:
    return call_module("encoder", "encoder.command", [*map(str, arguments)])


@pytest.mark.parametrize("bpp", ["nan", "inf", "0", "-1", "much"])
def test_rate_that_is_none_is_refused(bpp: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("a.png", "-o", "a.clc", "--bpp", bpp)
    assert stopped.value.code == 2


def test_single_pixel_can_be_coded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (1, 1), (90, 120, 30)).save("one.png")
    assert run("one.png", "-o", "one.clc", "--bpp", "400") == 0
    assert 8 * (tmp_path / "one.clc").stat().st_size <= 400


def photo(path: Path) -> Path:
    Image.new("RGB", (40, 30), (90, 120, 30)).save(path, "PNG")
    return path


@pytest.mark.parametrize("name", ["photo.png", "other.png", "photo", "link.clc", "hard.clc", "pipe.clc", "folder.clc"])
def test_stream_takes_no_other_file_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = photo(Path("photo.png"))
    shutil.copy(source, "other.png")
    Path("link.clc").symlink_to(source)
    Path("hard.clc").hardlink_to(source)
    Path("folder.clc").mkdir()
    os.mkfifo("pipe.clc")
    before = {path.name: path.lstat() for path in tmp_path.iterdir()}
    assert run(source, "-o", name, "--bpp", "3") == 1
    assert name in capsys.readouterr().err
    assert {path.name: path.lstat() for path in tmp_path.iterdir()} == before


def test_pipe_and_folder_among_pictures_cost_themselves_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    assert run(tmp_path, "-o", tmp_path / "out", "--bpp", "3") == 0
    assert "passed over: folder.png, pipe.png" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.clc"]


def test_suffix_of_a_stream_may_have_any_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(photo(Path("photo.PNG")), "-o", "photo.CLC", "--bpp", "3") == 0
    assert Path("photo.CLC").is_file()


def test_working_folder_need_not_be_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".cache").write_text("no folder")
    assert run(photo(Path("photo.png")), "-o", tmp_path / "out" / "a.clc", "--bpp", "3") == 0
    assert "note: .cache cannot be written" in capsys.readouterr().err
    assert (tmp_path / ".cache").read_text() == "no folder"


def test_path_that_no_system_takes_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x" * 300, "-o", tmp_path / "a.clc") == 1
    assert "File name too long" in capsys.readouterr().err


def test_picture_that_cannot_be_read_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 30), (90, 120, 30)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert run(tmp_path, "-o", tmp_path / "out", "--bpp", "3") == 1
    assert "bad.png" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.clc"]
