from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """No decoder is started here, which takes seconds: see test_code.py."""
    monkeypatch.setattr("submission.check.code._start_problems", lambda *_: [])


@pytest.fixture
def copy(dist: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(dist, folder)
    return folder
