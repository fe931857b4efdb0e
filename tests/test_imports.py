from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PROJECT = {"decoder_pkg", "encoder", "rate_control", "eval", "submission", "training", "tests"}
ALLOWED = {
    "decoder_pkg": set(),
    "encoder": {"decoder_pkg", "eval"},
    "eval": set(),
    "rate_control": {"decoder_pkg", "encoder", "eval"},
    "submission": {"decoder_pkg", "encoder", "eval", "rate_control"},
    "training": {"decoder_pkg", "encoder", "eval"},
}
DECODER_LIBRARIES = {"torch", "numpy", "PIL", "constriction"}


def imported(file: Path) -> set[str]:
    """Top-level names of all absolute imports of a file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_no_import_points_against_the_way_of_the_data(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        wrong = (imported(file) & PROJECT) - ALLOWED[package] - ({package} if package != "decoder_pkg" else set())
        assert not wrong, f"{file.relative_to(ROOT)} imports {sorted(wrong)}"


def test_decoder_needs_nothing_that_its_container_lacks() -> None:
    for file in (ROOT / "decoder_pkg").rglob("*.py"):
        foreign = imported(file) - DECODER_LIBRARIES - set(sys.stdlib_module_names)
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"
