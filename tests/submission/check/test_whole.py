"""What `check` must find in a whole submission, and that it believes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eval.command_line import call_module
from eval.problems import Severity, failed
from submission.check import check
from submission.package.pack import pack_submission
from submission.seasons import season
from tests.paths import ROOT
from tests.submission.check.damage import RULES, members, messages, rewrite, with_folders

pytestmark = pytest.mark.usefixtures("not_started")


def test_built_submission_passes_in_every_form(dist: Path) -> None:
    expected = ["warning: 0.075/bs.zip: missing"]
    assert messages(dist) == expected
    assert messages(dist / "submission.zip") == expected


def test_missing_target_fails_where_all_are_asked_for(dist: Path) -> None:
    problems = check(dist, season(2027))
    assert [p.severity for p in problems if "0.075" in p.where] == [Severity.ERROR]


def test_all_problems_are_listed_at_once(copy: Path) -> None:
    rewrite(copy / "decoder.zip", {"decode": None, "extra.txt": b"x"})
    (copy / "0.3/bs.zip").write_bytes(b"")
    (copy / "0.5").mkdir()
    (copy / "0.5/bs.zip").write_bytes(b"")
    (copy / "0.15/bs.zip").rename(copy / "0.15/data.zip")
    found = "\n".join(messages(copy))
    for text in ("has no file decode", "holds extra.txt", "0.3/bs.zip: DamagedZip", "0.5: no target", "must be named"):
        assert text in found


def test_names_that_nothing_can_print_do_not_stop_the_check(copy: Path) -> None:
    manifest = b'{"models": [{"id": 1, "file": "\\ud800", "sha256": ""}], "filters": []}'
    rewrite(copy / "decoder.zip", {"decoder_pkg/weights/manifest.json": manifest})
    command = [sys.executable, "-m", "submission", "check", str(copy)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 1
    assert "WeightsError" in result.stdout
    assert "Traceback" not in result.stderr


def test_path_that_no_system_takes_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_module("check", "submission.commands.check", ["x" * 300]) == 1
    assert "File name too long" in capsys.readouterr().out


def test_zip_of_a_folder_passes(copy: Path) -> None:
    """As `zip -r` makes it: with entries for folders."""
    for path in (copy / "decoder.zip", copy / "submission.zip"):
        with_folders(path)
    assert messages(copy) == messages(copy / "submission.zip") == ["warning: 0.075/bs.zip: missing"]


def test_single_zip_with_folders_passes(copy: Path) -> None:
    with_folders(copy / "decoder.zip")
    pack_submission(copy, ["0.15"], season(2019))
    assert not failed(check(copy, season(2019)))
    with_folders(copy / "submission.zip")
    assert not failed(check(copy, season(2019)))


@pytest.mark.parametrize(
    ("name", "error"), [("../0.3/bs.zip", "UnsafePath"), ("/bs.zip", "UnsafePath"), ("DECODER.ZIP", "DoubledMember")]
)
def test_unsafe_submission_is_never_unpacked(copy: Path, name: str, error: str) -> None:
    rewrite(copy / "submission.zip", {name: b"x"})
    (text,) = messages(copy / "submission.zip")
    assert error in text


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 1000])
def test_file_that_is_no_submission_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    assert failed(check(tmp_path / "a.zip", RULES))
    assert failed(check(tmp_path / "none.zip", RULES))
    assert failed(check(tmp_path, RULES))


def test_single_zip_of_2019_carries_its_team(copy: Path) -> None:
    rules = season(2019)
    pack_submission(copy, ["0.15"], rules)
    assert {"team_info.json", "decode", "bs.zip"} <= set(members(copy / "submission.zip"))
    assert not failed(check(copy, rules))
    for changed, text in ((None, "missing"), (b"{", "no JSON"), (b"[]", "no JSON object"), (b"[" * 9999, "no JSON")):
        rewrite(copy / "submission.zip", {"team_info.json": changed})
        assert any(found.startswith("error: team_info.json") and text in found for found in messages(copy, rules))


def test_data_of_2020_has_its_own_name(copy: Path) -> None:
    rules = season(2020)
    assert any("must be named valout.zip" in text for text in messages(copy, rules))
    (copy / "0.15/bs.zip").rename(copy / "0.15/valout.zip")
    (copy / "0.3/bs.zip").unlink()
    assert not failed(check(copy, rules))


def test_command_ends_with_one_on_an_error_alone(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_module("check", "submission.commands.check", [str(copy)]) == 0
    assert "passed" in capsys.readouterr().out
    (copy / "decoder.zip").write_bytes(b"")
    assert call_module("check", "submission.commands.check", [str(copy)]) == 1
    assert "error: decoder.zip" in capsys.readouterr().out
