from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from encoder.__main__ import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["encoder", *map(str, arguments)])
    return main()


@pytest.mark.parametrize("bpp", ["nan", "inf", "0", "-1", "much"])
def test_rate_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, bpp: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, "a.png", "-o", "a.clc", "--bpp", bpp)
    assert stopped.value.code == 2


def test_single_pixel_can_be_coded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (1, 1), (90, 120, 30)).save("one.png")
    assert run(monkeypatch, "one.png", "-o", "one.clc", "--bpp", "400") == 0
    assert 8 * (tmp_path / "one.clc").stat().st_size <= 400


def test_path_that_no_system_takes_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "x" * 300, "-o", tmp_path / "a.clc") == 1
    assert "File name too long" in capsys.readouterr().err


def test_picture_that_cannot_be_read_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 30), (90, 120, 30)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert run(monkeypatch, tmp_path, "-o", tmp_path / "out", "--bpp", "3") == 1
    assert "bad.png" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.clc"]
