"""Short versions of `python -m tests.faults`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from encoder.files import PARTIAL, write_atomically
from submission.dist import Busy, exclusive, remove_data
from tests.faults import digests, full_disk, killed, reference, tmpfs_allowed, together

SEED = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    return reference(tmp_path_factory.mktemp("reference"))


def test_run_after_a_killed_one_leaves_the_same_files(undisturbed: tuple[dict[str, str], int], tmp_path: Path) -> None:
    expected, moments = undisturbed
    assert {"decoder.zip", "submission.zip", "0.15/bs.zip", "0.3/bs.zip", "originals/one.png"} <= set(expected)
    killed(tmp_path, random.Random(SEED).randint(1, moments), expected)


def test_two_runs_in_one_folder_do_not_damage_it(undisturbed: tuple[dict[str, str], int], tmp_path: Path) -> None:
    assert together(tmp_path, undisturbed[0]) <= 1


@pytest.mark.skipif(not tmpfs_allowed(), reason="this system does not let a small disk be mounted")
def test_full_disk_ends_in_a_clear_error(tmp_path: Path) -> None:
    assert "make room" in full_disk("2m", tmp_path)


def test_second_run_is_told_to_wait(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(Busy, match="--dist"), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        assert digests(tmp_path).keys() == {".lock"}


def test_unfinished_files_of_a_killed_run_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "0.3").mkdir()
    for name in ("decoder.zip", "0.3/bs.zip"):
        path = tmp_path / name
        path.with_name(f".{path.name}.123{PARTIAL}").write_bytes(b"half")
        path.write_bytes(b"whole")
    with exclusive(tmp_path):
        assert digests(tmp_path).keys() == {".lock", "decoder.zip", "0.3/bs.zip"}


def test_data_of_earlier_targets_and_seasons_does_not_stay_beside_new_data(tmp_path: Path) -> None:
    for name in ("decoder.zip", "0.15/bs.zip", "0.15/valout.zip", "0.3/bs.zip", "mine/notes.txt"):
        write_atomically(tmp_path / name, b"data")
    remove_data(tmp_path, {"0.15/bs.zip"})
    assert digests(tmp_path).keys() == {"decoder.zip", "0.15/bs.zip", "mine/notes.txt"}
    assert not (tmp_path / "0.3").exists()


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a", b"old")

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
