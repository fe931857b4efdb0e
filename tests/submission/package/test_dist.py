"""Whatever happens, an output folder holds what it held, or the new submission whole; files of others stay."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest

from eval.command_line import call_module
from submission.package.dist import LOCK, UNFINISHED, WRITTEN, Busy, ForeignFiles, clean, exclusive, reading, rebuilt

FIRST = {"decoder.zip": "1", "0.15/bs.zip": "1", "0.3/bs.zip": "1", "originals/a.png": "1"}
SECOND = {"decoder.zip": "2", "0.15/bs.zip": "2", "originals/b.png": "2"}
OWN = {LOCK, WRITTEN}


def build(dist: Path, files: dict[str, str], keep: bool = False) -> None:
    with exclusive(dist), rebuilt(dist, list(files), whole=["originals"], keep=keep) as new:
        write(new, files)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def contents(dist: Path) -> dict[str, str]:
    """The text of every file but the program's own."""
    paths = [path for path in dist.rglob("*") if path.is_file() and path.name not in OWN]
    return {path.relative_to(dist).as_posix(): path.read_text() for path in paths}


def test_second_submission_takes_the_first_one_s_place(tmp_path: Path) -> None:
    build(tmp_path, FIRST)
    assert contents(tmp_path) == FIRST
    build(tmp_path, SECOND)
    assert contents(tmp_path) == SECOND
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["0.15", "originals"]


@pytest.mark.parametrize("runs", [1, 2, 3])
@pytest.mark.parametrize("keep", [False, True])
def test_folders_that_runs_made_are_cleaned_away_however_many_there_were(tmp_path: Path, runs: int, keep: bool) -> None:
    dist = tmp_path / "dist"
    for _ in range(runs):
        build(dist, FIRST, keep)
        listed = json.loads((dist / WRITTEN).read_text())
        assert {name for name, digest in listed.items() if digest is None} == {"0.15", "0.3", "originals"}
    clean(dist)
    assert not dist.exists()


STRANGERS = {
    "notes.txt": "mine",
    "mine.zip": "mine",
    "0.3/mine.zip": "mine",
    "0.5/bs.zip": "mine",
    "mine/photos.zip": "mine",
    "0.15/deep/in/.x.partial": "mine",
    ".bs.zip.12.partial": "mine",
}


def test_files_of_others_stay_at_every_level(tmp_path: Path) -> None:
    write(tmp_path, STRANGERS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "0.075").mkdir()
    build(tmp_path, FIRST | {"0.075/bs.zip": "1"})
    build(tmp_path, SECOND)
    assert contents(tmp_path) == SECOND | STRANGERS
    assert (tmp_path / "empty").is_dir()
    assert (tmp_path / "0.075").is_dir()
    clean(tmp_path)
    assert contents(tmp_path) == STRANGERS


@pytest.mark.parametrize("name", ["decoder.zip", "0.15/bs.zip", "originals/mine.png"])
def test_file_of_others_in_the_way_is_found_before_the_work(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: "mine"})
    build = exclusive(tmp_path), rebuilt(tmp_path, list(FIRST), whole=["originals"])
    with pytest.raises(ForeignFiles, match=name), build[0], build[1]:
        pytest.fail("the work began")
    assert contents(tmp_path) == {name: "mine"}


@pytest.mark.parametrize("name", FIRST)
def test_written_file_that_was_changed_since_is_the_user_s(tmp_path: Path, name: str) -> None:
    build(tmp_path, FIRST)
    write(tmp_path, {name: "changed"})
    if name in SECOND or name.startswith("originals"):
        with pytest.raises(ForeignFiles, match=name):
            build(tmp_path, SECOND)
        assert contents(tmp_path) == FIRST | {name: "changed"}
    else:
        build(tmp_path, SECOND)
        assert contents(tmp_path) == SECOND | {name: "changed"}


def test_file_of_others_where_a_folder_goes_is_found_before_the_work(tmp_path: Path) -> None:
    write(tmp_path, {"0.15": "mine"})
    with pytest.raises(ForeignFiles, match=r"0\.15 was not written"):
        build(tmp_path, FIRST)
    assert contents(tmp_path) == {"0.15": "mine"}


def test_folder_of_others_where_a_file_goes_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "decoder.zip").mkdir()
    with pytest.raises(ForeignFiles, match=r"decoder\.zip was not written"):
        build(tmp_path, FIRST)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_refused_run_leaves_the_earlier_submission_whole(tmp_path: Path, error: type[BaseException]) -> None:
    build(tmp_path, FIRST)

    def refused() -> None:
        with exclusive(tmp_path), rebuilt(tmp_path, list(SECOND)) as new:
            write(new, SECOND)
            raise error

    with pytest.raises(error):
        refused()
    assert contents(tmp_path) == FIRST
    assert not (tmp_path / UNFINISHED).exists()


def test_decoder_alone_leaves_the_rest_of_the_submission(tmp_path: Path) -> None:
    build(tmp_path, FIRST)
    build(tmp_path, {"decoder.zip": "2"}, keep=True)
    assert contents(tmp_path) == FIRST | {"decoder.zip": "2"}
    build(tmp_path, SECOND)
    assert contents(tmp_path) == SECOND


class Killed(BaseException):
    """Ends a run as a kill would, at a moment."""


def kill_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment-th change of the file system on, every one fails."""
    changes = iter(range(10**6))

    def watched(original: object) -> object:
        def change(*arguments: object, **options: object) -> object:
            if next(changes) >= moment:
                raise Killed
            return original(*arguments, **options)  # type: ignore[operator]

        return change

    for name in ("replace", "unlink", "rmdir", "mkdir", "touch"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    monkeypatch.setattr(os, "unlink", watched(os.unlink))
    monkeypatch.setattr(os, "rmdir", watched(os.rmdir))


@pytest.mark.parametrize("moment", range(0, 40))
def test_run_killed_at_any_moment_is_undone_or_ended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    strangers = {"notes.txt": "mine", "0.3/mine.zip": "mine"}
    write(tmp_path, strangers)
    build(tmp_path, FIRST)
    with monkeypatch.context() as patch:
        kill_at(moment, patch)
        with contextlib.suppress(Killed):
            build(tmp_path, SECOND)
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path), rebuilt(tmp_path, list(FIRST)):
        raise ZeroDivisionError
    assert contents(tmp_path) in (FIRST | strangers, SECOND | strangers)
    build(tmp_path, FIRST)
    assert contents(tmp_path) == FIRST | strangers


LISTS = [b"", b"no json", b"[]", b"7", b'{"decoder.zip": 7}', b"[" * 100000, b'{"decoder.zip": ["1"]}']


@pytest.mark.parametrize("text", LISTS, ids=[text[:20].decode() for text in LISTS])
def test_damaged_list_makes_no_file_the_program_s(tmp_path: Path, text: bytes) -> None:
    build(tmp_path, FIRST)
    (tmp_path / WRITTEN).write_bytes(text)
    with pytest.raises(ForeignFiles):
        build(tmp_path, SECOND)
    assert contents(tmp_path) == FIRST


@pytest.mark.parametrize("name", ["../precious", "/precious", "a/../../precious", "\0"])
def test_list_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    dist, precious = tmp_path / "dist", tmp_path / "precious"
    precious.write_text("1")
    build(dist, FIRST)
    name = str(precious) if name == "/precious" else name
    rows = json.loads((dist / WRITTEN).read_text())
    (dist / WRITTEN).write_text(json.dumps(rows | {name: rows["decoder.zip"]}))
    build(dist, SECOND)
    assert precious.read_text() == "1"
    assert contents(dist) == SECOND


def test_folder_that_only_looks_unfinished_stays(tmp_path: Path) -> None:
    write(tmp_path, {f"{UNFINISHED}/{WRITTEN}": '{"x": "1"}', f"{UNFINISHED}/files/decoder.zip": "mine"})
    with pytest.raises(ForeignFiles, match=UNFINISHED):
        build(tmp_path, FIRST)
    assert contents(tmp_path) == {f"{UNFINISHED}/files/decoder.zip": "mine"}


def test_second_run_is_told_to_wait(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(Busy, match="another folder"), exclusive(tmp_path):
        pass


def test_lock_of_others_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("mine")
    build(tmp_path, FIRST)
    assert (tmp_path / LOCK).read_text() == "mine"


def test_cleaned_folder_goes_where_nothing_else_is_left(tmp_path: Path) -> None:
    build(tmp_path / "dist", FIRST)
    clean(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_folder_that_no_run_wrote_to_is_not_touched(tmp_path: Path) -> None:
    clean(tmp_path)
    clean(tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_folder_that_is_read_is_not_changed_meanwhile(tmp_path: Path) -> None:
    build(tmp_path, FIRST)
    with reading(tmp_path), reading(tmp_path), pytest.raises(Busy, match="another run is using"):
        build(tmp_path, SECOND)
    assert contents(tmp_path) == FIRST
    build(tmp_path, SECOND)


def test_folder_that_no_run_made_is_read_without_a_trace(tmp_path: Path) -> None:
    with reading(tmp_path / "none", tmp_path):
        assert not list(tmp_path.iterdir())


READERS = {
    "rehearse": ["--dist"],
    "freeze": ["--dist"],
    "check": [],
    "leaderboard": ["--output", "output", "ours={}"],
}


@pytest.mark.parametrize("verb", READERS)
def test_command_that_reads_a_submission_waits_for_none_that_is_half_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [option.format("dist") for option in READERS[verb]]
    with exclusive(Path("dist")):
        code = call_module(
            verb, f"submission.commands.{verb}", options if verb == "leaderboard" else [*options, "dist"]
        )
    assert (code, "another run is using dist" in capsys.readouterr().err) == (1, True)
