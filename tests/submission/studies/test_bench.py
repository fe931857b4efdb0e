from __future__ import annotations

from pathlib import Path

import pytest

from eval.command_line import call_module


def test_picture_that_cannot_be_read_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_module("bench", "submission.commands.bench", ["--image", str(tmp_path / "none.png")]) == 1
    assert capsys.readouterr().err.startswith("PictureError: ")
