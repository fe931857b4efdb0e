from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from eval.machine import origin as module
from eval.machine.origin import UNKNOWN, commit, device, provenance


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    file = tmp_path / "module.py"
    file.write_text("a = 1\n")
    git(tmp_path, "add", "module.py")
    git(tmp_path, "commit", "--no-verify", "-m", "first")
    return file


def test_changed_tree_does_not_pass_for_its_commit(tracked: Path) -> None:
    clean = commit(tracked)
    assert re.fullmatch("[0-9a-f]{12}", clean)
    tracked.write_text("a = 2\n")
    assert commit(tracked) == f"{clean}-dirty"


def test_code_outside_a_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path / "module.py") == UNKNOWN


def test_foreign_checkout_around_an_installation_does_not_lend_its_commit(tracked: Path) -> None:
    installed = tracked.with_name("installed.py")
    installed.write_text("")
    assert commit(installed) == UNKNOWN


def test_machine_without_git_or_cpu_list_still_has_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "CPU_INFO", tmp_path / "missing")
    row = provenance(2, "ab")
    assert (row.commit, row.threads, row.bundle_sha256) == (UNKNOWN, 2, "ab")
    assert device().startswith("CPU ")
    assert len(row.date) == len("2021-01-02 03:04:05")
