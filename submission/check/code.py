"""Checks of a decoder's code: that every part is there, and that `./decode` starts."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from decoder_pkg.errors import MissingInput
from decoder_pkg.stream import MAX_PATH_BYTES
from eval.problems import Problem, warning

from ..package import ENTRY, VENDOR, WHEELS, BuildError, vendored
from ..rehearsal import can_isolate, run_decoder
from ..seasons import Season

ELF, PYTHON = b"\x7fELF", re.compile(rb"#!.*python")
PROVIDED = {"torch", "numpy", "PIL"} | sys.stdlib_module_names
"""What the server's Python has."""

MAX_SOURCE, MAX_SOURCES = 2**20, 2**26
"""Bytes of one source, and of all."""

SHOWN = 100
"""Missing modules that are listed."""

START_SECONDS = 120


def code_problems(folder: Path, rules: Season, data_names: frozenset[str], where: str) -> list[Problem]:
    """What forbids an unpacked decoder to run.

    It is started only where nothing else is wrong with it and the system can isolate it.

    Args:
      folder: with the entry script.
      rules: of the season.
      data_names: files of the folder that are no part of the decoder.
      where: name of the zip in problems.
    """
    problems = _entry_problems(folder / ENTRY, where)
    problems += [Problem(where, text) for text in (*_source_faults(folder), *_vendor_faults(folder, WHEELS))]
    return problems or _start_problems(folder, rules, data_names, where)


def _entry_problems(entry: Path, where: str) -> list[Problem]:
    if not entry.is_file():
        return [Problem(where, f"has no file {ENTRY}: the server runs ./{ENTRY}")]
    problems = []
    if not entry.stat().st_mode & 0o100:
        problems.append(Problem(where, f"{ENTRY} is not executable"))
    line = _first_line(entry)
    if not line.startswith((b"#!", ELF)):
        problems.append(Problem(where, f"{ENTRY} is neither a script with an interpreter line nor an ELF program"))
    if line.startswith(b"#!") and b"\r" in line:
        problems.append(Problem(where, f"the first line of {ENTRY} ends as on Windows: no interpreter has such a name"))
    return problems


def _source_faults(folder: Path) -> Iterator[str]:
    """Sources that are none, and modules that they need and that are not there."""
    sources, importers = _sources(folder), dict[str, str]()
    if (size := sum(path.stat().st_size for path in sources)) > MAX_SOURCES:
        yield f"has {size} bytes of Python sources; {MAX_SOURCES} are looked at"
        return
    for path in sources:
        name = str(path.relative_to(folder))
        try:
            tree = _parsed(path)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield f"{name} is no Python source: {error}"
            continue
        for module in _imported(tree, path, folder):
            importers.setdefault(module, name)
    missing = (module for module in importers if not _is_there(module, folder))
    for module in islice(missing, SHOWN):
        yield f"has no module {module}, which {importers[module]} imports"


def _sources(folder: Path) -> list[Path]:
    entry = folder / ENTRY
    modules = sorted(path for path in folder.rglob("*.py") if path.is_file())
    return [entry, *modules] if entry.is_file() and PYTHON.match(_first_line(entry)) else modules


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(MAX_SOURCE)


def _parsed(path: Path) -> ast.Module:
    if path.stat().st_size > MAX_SOURCE:
        raise ValueError(f"it has more than {MAX_SOURCE} bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(path.read_bytes())


def _imported(tree: ast.Module, path: Path, folder: Path) -> Iterator[str]:
    """Full names of the modules that a source imports; of foreign ones only those of their own package."""
    own = path.relative_to(folder).parts[0] != VENDOR
    package = path.parent.relative_to(folder / VENDOR if not own else folder).parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and own:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and (node.level or own):
            outer = package[: max(0, len(package) - node.level + 1)] or ("",) if node.level else ()
            yield ".".join((*outer, node.module))


def _is_there(module: str, folder: Path) -> bool:
    first, *inner = module.split(".")
    if first in PROVIDED:
        return True
    if not first or max(map(len, (first, *inner))) > MAX_PATH_BYTES:
        return False
    for root in (folder, folder / VENDOR):
        path = root.joinpath(first, *inner)
        if path.is_dir() or path.with_name(f"{path.name}.py").is_file() or any(path.parent.glob(f"{path.name}.*.so")):
            return True
    return False


def _vendor_faults(folder: Path, wheels: Path) -> Iterator[str]:
    """Files of the range coder's wheels, one for each Python, that are missing or others."""
    try:
        expected = vendored(wheels)
    except BuildError:
        return  # nothing to compare with: the imports tell whether there is a range coder
    for name, content in expected.items():
        path = folder / name
        if not path.is_file():
            yield f"has no {name}"
        elif path.stat().st_size != len(content) or path.read_bytes() != content:
            yield f"{name} is not what the range coder's wheel holds"


def _start_problems(folder: Path, rules: Season, data_names: frozenset[str], where: str) -> list[Problem]:
    """Starts the decoder without data, which it must miss by name: by then it has read its code and its weights."""
    if not can_isolate(()):
        return [warning(where, f"./{ENTRY} was not started: this system does not let it be isolated")]
    with tempfile.TemporaryDirectory(prefix="start-") as name:
        work = Path(name) / "work"
        shutil.copytree(folder, work, ignore=shutil.ignore_patterns(*data_names))
        run = run_decoder(work, replace(rules, seconds=START_SECONDS), ())
    if run.exit_code == 1 and MissingInput.__name__ in run.log:
        return []
    said = (run.log + run.hidden).strip().splitlines() or ["nothing"]
    ended = "was stopped" if run.exit_code < 0 else f"ended with {run.exit_code}"
    return [Problem(where, f"./{ENTRY} without data {ended} and does not say that data is missing, but: {said[-1]}")]
