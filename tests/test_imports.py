"""Which way imports point: between packages, between their parts, and between modules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

PROJECT = {"decoder_pkg", "encoder", "rate_control", "eval", "submission", "training", "tests"}
ORDER: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "decoder_pkg": (set(), ("weight_files", "entropy", "stream", "pixels", "codecs", "models")),
    "encoder": (
        {"decoder_pkg", "eval"},
        ("codecs", "models", "filters", "candidates", "coding", "refinement", "prediction"),
    ),
    "eval": (set(), ("machine", "storage", "pictures", "metrics", "baselines", "report")),
    "rate_control": ({"decoder_pkg", "encoder", "eval"}, ("allocation", "engines", "commands")),
    "submission": (
        {"decoder_pkg", "encoder", "eval", "rate_control"},
        ("package", "rehearsal", "check", "leaderboard", "studies", "commands"),
    ),
    "training": ({"decoder_pkg", "encoder", "eval"}, ("data", "tasks", "loop", "export", "compressai", "commands")),
}
"""The packages that each package may use, and its sub-packages, of which each may use those before it."""

DECODER_LIBRARIES = {"torch", "numpy", "PIL", "constriction"}

Graph = dict[str, set[str]]


def imported(file: Path) -> set[str]:
    """Top-level names of all absolute imports of a file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(ORDER))
def test_no_import_points_against_the_way_of_the_data(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        wrong = (imported(file) & PROJECT) - ORDER[package][0] - ({package} if package != "decoder_pkg" else set())
        assert not wrong, f"{file.relative_to(ROOT)} imports {sorted(wrong)}"


def test_decoder_needs_nothing_that_its_container_lacks() -> None:
    for file in (ROOT / "decoder_pkg").rglob("*.py"):
        foreign = imported(file) - DECODER_LIBRARIES - set(sys.stdlib_module_names)
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def statements(nodes: Iterable[ast.AST], functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that are carried out: those for type checkers are none, those inside functions are if asked for."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from statements(node.orelse, functions)
        elif functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from statements(ast.iter_child_nodes(node), functions)


def targets(node: ast.Import | ast.ImportFrom, file: Path, root: Path) -> Iterator[str]:
    """What an import may name: modules, or names in them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = file.relative_to(root).parent.parts
    base = (
        ".".join([*above[: len(above) + 1 - node.level], *filter(None, [node.module])]) if node.level else node.module
    )
    yield from (f"{base}.{alias.name}" for alias in node.names)


def module_graph(root: Path, functions: bool) -> Graph:
    """The modules of the project, each with those that it imports.

    Args:
      root: folder of the packages.
      functions: whether imports inside functions count.
    """
    files = {module_name(file, root): file for package in ORDER for file in (root / package).rglob("*.py")}
    graph: Graph = {}
    for name, file in files.items():
        named = (
            one for node in statements(ast.parse(file.read_text()).body, functions) for one in targets(node, file, root)
        )
        graph[name] = {one if one in files else one.rpartition(".")[0] for one in named} & files.keys() - {name}
    return graph


def part(module: str) -> str:
    """The sub-package of a module: its first two levels."""
    return ".".join(module.split(".")[:2])


def parts_graph(root: Path) -> Graph:
    """The sub-packages, each with those that its modules import anywhere but for type checkers."""
    graph: Graph = {}
    for module, others in module_graph(root, functions=True).items():
        graph.setdefault(part(module), set()).update({part(other) for other in others} - {part(module)})
    return graph


def circle(graph: Graph) -> list[str]:
    """A circle of imports; empty where there is none."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def reached(graph: Graph, start: str) -> set[str]:
    """All that a part imports, also by way of others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def upward(graph: Graph) -> list[str]:
    """Arrows against the order of sub-packages."""
    rows = [(package, row) for package, (_, row) in ORDER.items()]
    return [
        f"{package}.{low} imports {package}.{high}"
        for package, row in rows
        for at, low in enumerate(row)
        for high in row[at + 1 :]
        if f"{package}.{high}" in reached(graph, f"{package}.{low}")
    ]


@cache
def parts_of_project() -> Graph:
    return parts_graph(ROOT)


def test_modules_import_each_other_in_no_circle() -> None:
    assert not circle(module_graph(ROOT, functions=False))


def test_sub_packages_import_each_other_in_no_circle() -> None:
    assert not circle(parts_of_project())


def test_no_import_points_against_the_order_of_sub_packages() -> None:
    assert not upward(parts_of_project())


@pytest.mark.parametrize("package", sorted(ORDER))
def test_no_sub_package_is_left_out_of_the_order(package: str) -> None:
    found = {file.parent.name for file in (ROOT / package).glob("*/__init__.py")}
    assert found == set(ORDER[package][1])


CODING, FILTERS = "from ..coding.a import f", "from ..filters.a import f"
TREES: dict[str, tuple[dict[str, str], bool, bool, bool]] = {
    "downwards": ({"coding/a": FILTERS, "filters/a": ""}, False, False, False),
    "upwards": ({"coding/a": "", "filters/a": CODING}, False, False, True),
    "upwards by way of another": (
        {"coding/a": "", "filters/a": "from ..b import f", "b": "from .coding.a import f"},
        False,
        False,
        True,
    ),
    "upwards in a function": ({"coding/a": "", "filters/a": f"def f():\n    {CODING}"}, False, False, True),
    "upwards for type checkers": (
        {"coding/a": "", "filters/a": f"if TYPE_CHECKING:\n    {CODING}"},
        False,
        False,
        False,
    ),
    "circle of sub-packages": (
        {"coding/a": FILTERS, "coding/b": "", "filters/a": "from ..coding import b"},
        False,
        True,
        True,
    ),
    "circle of modules": ({"coding/a": "from . import b", "coding/b": "from .a import f"}, True, False, False),
    "circle by way of a function": (
        {"coding/a": "from . import b", "coding/b": "def f():\n    from . import a"},
        False,
        False,
        False,
    ),
}
"""Modules of a package, and whether modules circle, sub-packages do, and an arrow points upwards."""


@pytest.mark.parametrize("name", TREES)
def test_circles_and_upward_arrows_are_seen(tmp_path: Path, name: str) -> None:
    modules, *expected = TREES[name]
    for path in ("coding/__init__", "filters/__init__", "codecs/__init__", "refinement/__init__", *modules):
        file = tmp_path / "encoder" / f"{path}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(modules.get(path, ""))
    graphs = module_graph(tmp_path, functions=False), parts_graph(tmp_path)
    assert [bool(circle(graphs[0])), bool(circle(graphs[1])), bool(upward(graphs[1]))] == expected
