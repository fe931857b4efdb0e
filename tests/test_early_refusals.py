"""What a command can see at once it refuses before it starts processes or loads models."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from eval.command_line import FAILED, call_module
from rate_control.engines import Processes

COMMANDS = {
    "submit": ("submission.commands.submit", ["--images", "photos", "--dist", "out", "--reports", "reports"]),
    "leaderboard": ("submission.commands.leaderboard", ["ours=.", "--images", "photos", "--output", "reports"]),
    "tune": ("rate_control.commands.tune", ["photos", "--output", "reports"]),
}


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("fault", ["no folder", "no pictures", "a damaged picture"])
def test_unfit_photographs_are_named_before_any_process_starts(
    verb: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_: Processes) -> NoReturn:
        raise AssertionError("a process starts")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Processes, "_open", start)
    if fault != "no folder":
        (tmp_path / "photos").mkdir()
    if fault == "a damaged picture":
        Image.new("RGB", (8, 8)).save("photos/whole.png")
        (tmp_path / "photos/damaged.png").write_bytes(Path("photos/whole.png").read_bytes()[:20])
    module, words = COMMANDS[verb]
    assert call_module(verb, module, words) == FAILED
    assert "PictureError: photos" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
