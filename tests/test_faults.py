"""Short versions of `python -m tests.faults`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults import digests, finish, full_disk, killed, reference, start, tmpfs_allowed, together

SEED = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    return reference(tmp_path_factory.mktemp("reference"))


@pytest.mark.long
def test_run_after_a_killed_one_leaves_the_same_files(undisturbed: tuple[dict[str, str], int], tmp_path: Path) -> None:
    expected, moments = undisturbed
    assert {"decoder.zip", "submission.zip", "0.15/bs.zip", "0.3/bs.zip", "originals/one.png"} <= set(expected)
    killed(tmp_path, random.Random(SEED).randint(1, moments), expected)


@pytest.mark.long
def test_two_runs_in_one_folder_do_not_damage_it(undisturbed: tuple[dict[str, str], int], tmp_path: Path) -> None:
    assert together(tmp_path, undisturbed[0]) <= 1


@pytest.mark.skipif(not tmpfs_allowed(), reason="this system does not let a small disk be mounted")
def test_full_disk_ends_in_a_clear_error(tmp_path: Path) -> None:
    assert "make room" in full_disk("2m", tmp_path)


@pytest.mark.long
def test_refused_run_leaves_the_earlier_submission_and_the_files_of_others(tmp_path: Path) -> None:
    finish(start(tmp_path))
    (tmp_path / "dist/0.3/mine.zip").write_text("mine")
    before = digests(tmp_path / "dist")
    process = start(tmp_path, "--targets", "0.001")
    assert "InfeasibleBudget" in finish(process)
    assert digests(tmp_path / "dist") == before
    process = start(tmp_path, "--targets", "0.3")
    finish(process)
    assert process.returncode == 0
    after = digests(tmp_path / "dist")
    assert after.keys() == before.keys() - {"0.15/bs.zip"}
    assert after["0.3/mine.zip"] == before["0.3/mine.zip"]
