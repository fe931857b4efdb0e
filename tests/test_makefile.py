"""What a user gives to make reaches the commands as it is."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/usr/bin/env python3
import json, os, sys
print(json.dumps(sys.argv[1:]))
"""
NAMES = ["my photos", "it's", 'a "b"', "$HOME `date` $(date)", "a;b&c|d", "*", "é ü", "two\nlines", "#x"]


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose Python shows its arguments."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    for name in (".ready", "container"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (2**31, 2**31))
    return tmp_path


def arguments(venv: Path, target: str, *variables: str) -> list[str]:
    """What the last command of a target gets."""
    command = ["make", "--silent", target, f"VENV={venv}", "--old-file=container", *variables]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(result.stdout.splitlines()[-1])
    return found


USES = [("submission", "IMAGES"), ("tune", "IMAGES"), ("leaderboard", "IMAGES"), ("curves", "IMAGES")]
USES += [("curves", "KODAK"), ("check", "DIST"), ("submission", "DIST"), ("leaderboard", "SHEET")]
USES += [("train", name) for name in ("CONFIG", "RUN", "DATA", "KODAK")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("target", "variable"), USES)
def test_name_reaches_the_command_as_it_is(venv: Path, target: str, variable: str, name: str) -> None:
    assert name in arguments(venv, target, f"{variable}={name}")


SINGLE = [("submission", name) for name in ("SEASON", "PRESET", "ENGINE", "BASELINES", "METRIC", "CODEC")]
SINGLE += [("tune", "METRIC"), ("fuzz", "WHAT"), ("fuzz", "COUNT"), ("faults", "SEED"), ("train", "THREADS")]


@pytest.mark.parametrize(("target", "variable"), SINGLE)
def test_value_is_no_program_of_the_shell(venv: Path, target: str, variable: str) -> None:
    value = "1; echo 'harm' $(date) ("
    assert value in arguments(venv, target, "IMAGES=photos", f"{variable}={value}")


@pytest.mark.parametrize("target", ["submission", "leaderboard", "tune"])
def test_list_without_quotes_is_no_program_of_the_shell(venv: Path, target: str) -> None:
    found = arguments(venv, target, "IMAGES=photos", "TARGETS=0.15; echo harm")
    assert found[found.index("--targets") + 1 :][:3] == ["0.15;", "echo", "harm"]


def test_kodak_s_folder_may_have_any_name(venv: Path) -> None:
    for name in NAMES:
        (venv / name).mkdir()
        assert arguments(venv, "models", f"KODAK={venv / name}")[-1] == str(venv / name)
    assert arguments(venv, "models", f"KODAK={venv / 'none'}")[-2:] == ["submission", "models"]


def test_run_is_named_after_its_configuration(venv: Path) -> None:
    assert "runs/large one" in arguments(venv, "train", "CONFIG=my configs/large one.toml")


def test_lists_are_words_of_the_shell(venv: Path) -> None:
    found = arguments(venv, "leaderboard", "ENTRIES=ours=dist 'theirs=my folder/s.zip'", "TARGETS=0.15 0.3")
    assert {"ours=dist", "theirs=my folder/s.zip", "0.15", "0.3"} < set(found)
    found = arguments(venv, "submission", "LIMIT=psnr=28: 'my photo:bpp=:0.4'")
    assert found[found.index("--limit") + 1 :][:2] == ["psnr=28:", "my photo:bpp=:0.4"]


def test_every_target_calls_a_command_that_there_is() -> None:
    """Or a library's, or one of the tests' own."""
    calls = re.findall(r"\$\(BIN\)/python -m (\S+) (\S+)", (ROOT / "Makefile").read_text())
    assert len(calls) >= 15
    for package, verb in calls:
        if package not in ("pip", "pytest", "tests.fuzz", "tests.faults"):
            assert verb in importlib.import_module(f"{package}.__main__").VERBS


def test_help_lists_every_target_under_a_heading() -> None:
    command = ["make", "--no-print-directory", "help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^  (\S+)", shown, re.MULTILINE)) == set(targets) - {"help"}
    assert len(re.findall(r"^\S", shown, re.MULTILINE)) >= 3
    assert shown.startswith("\nBuild and check a submission\n")
