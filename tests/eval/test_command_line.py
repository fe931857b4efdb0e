from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eval.command_line import MISUSED, call_module
from tests.paths import ROOT

RUNNERS = ["eval.command_line", "decoder_pkg.command_line"]
VERBS = {name: importlib.import_module(f"{name}.__main__").VERBS for name in ("rate_control", "submission", "training")}
COMMANDS = [(f"{name} {verb}", module) for name, verbs in VERBS.items() for verb, module in verbs.items()]
COMMANDS += [("encoder", "encoder.command"), ("eval", "eval.command")]

TOY_MAIN = """
from eval.command_line import run_verbs
if __name__ == "__main__":
    run_verbs("toy", {"draw": "toy.draw", "broken": "toy.broken", "slow": "toy.slow"})
"""
TOY_COMMAND = '''"""Draws a thing.

More about it.
"""
from eval.command_line import OptionError
EXAMPLES = "examples: draw 3"
class NoThing(Exception): pass
ERRORS = (NoThing,)
def add_options(parser):
    parser.add_argument("what")
def run(arguments):
    exec(compile(arguments.what, "toy", "exec"), globals())  # of a text it would note interrupts by itself
    return 3
'''

TOY_SLOW = '''"""Is imported for long."""
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    raise ImportError("what libraries make of it")
'''


def run(runner: str, body: str, after: str = "") -> subprocess.CompletedProcess[str]:
    script = f"from {runner} import run_command\ndef main():\n    {body}\nrun_command(main)"
    command = ["sh", "-c", f'"$0" -c "$1" {after}', sys.executable, script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("runner", RUNNERS)
def test_interrupt_ends_in_one_line_and_the_shell_s_exit_code(runner: str) -> None:
    result = run(runner, "raise KeyboardInterrupt")
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("runner", RUNNERS)
def test_reader_that_has_gone_is_no_traceback(runner: str) -> None:
    assert run(runner, "print('line\\\\n' * 100000); return 0", "| head -n 1").stderr == ""


@pytest.mark.parametrize("runner", RUNNERS)
def test_name_that_the_terminal_cannot_show_does_not_end_a_command(runner: str) -> None:
    result = run(runner, "print('\\\\udcff'); return 3")
    assert (result.returncode, result.stdout) == (3, "\\udcff\n")


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A folder with a package of two commands, of which one cannot be imported."""
    package = tmp_path / "toy"
    package.mkdir()
    files = {"__init__": "", "__main__": TOY_MAIN, "draw": TOY_COMMAND, "broken": '"""Breaks."""\nraise SystemError\n'}
    files["slow"] = TOY_SLOW
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    return tmp_path


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "toy", *words]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)


def test_list_of_the_verbs_imports_none(toy: Path) -> None:
    result = call(toy, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split(maxsplit=1) for line in result.stdout.splitlines() if line.startswith("  ")] == [
        ["draw", "Draws a thing."],
        ["broken", "Breaks."],
        ["slow", "Is imported for long."],
    ]


def test_verb_imports_no_other_and_gives_the_exit_code(toy: Path) -> None:
    assert call(toy, "draw", "print(5)").returncode == 3


def test_unknown_verb_is_told_the_nearest_and_all(toy: Path) -> None:
    result = call(toy, "darw", "x")
    assert (result.returncode, result.stdout) == (MISUSED, "")
    assert result.stderr.startswith("python -m toy: there is no verb 'darw'. Did you mean 'draw'?\n")
    assert "  broken  Breaks.\n" in result.stderr
    assert "Did you mean" not in call(toy, "zzz").stderr


def test_call_without_a_verb_does_nothing_but_list(toy: Path) -> None:
    result = call(toy)
    assert (result.returncode, result.stdout) == (MISUSED, "")
    assert "  draw    Draws a thing.\n" in result.stderr


def test_help_of_a_verb_has_its_name_description_and_examples(toy: Path) -> None:
    result = call(toy, "draw", "-h")
    assert result.returncode == 0
    assert result.stdout.startswith("usage: python -m toy draw [-h] what\n")
    assert "Draws a thing.\n\nMore about it.\n" in result.stdout
    assert "examples: draw 3" in result.stdout


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("raise NoThing('no a')", "NoThing: no a\n"),
        ("open('none')", "FileNotFoundError: [Errno 2] No such file or directory: 'none'\n"),
        ("raise NoThing('\\x1b[2J')", "NoThing: \\x1b[2J\n"),
    ],
)
def test_named_error_is_one_line(toy: Path, what: str, line: str) -> None:
    result = call(toy, "draw", what)
    assert (result.returncode, result.stderr) == (1, line)


@pytest.mark.parametrize("what", ["raise ValueError('a bug')", "assert False", "1 / 0", "raise AssertionError"])
def test_bug_keeps_its_traceback(toy: Path, what: str) -> None:
    result = call(toy, "draw", what)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")


def test_options_that_do_not_fit_together_end_as_wrong_ones_do(toy: Path) -> None:
    result = call(toy, "draw", "raise OptionError('a needs b')")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (MISUSED, "python -m toy draw: error: a needs b")


@pytest.mark.parametrize("words", [["draw", ""], ["draw", "--colour="], ["draw", "--colour", ""]])
def test_empty_argument_does_not_mean_this_folder(toy: Path, words: list[str]) -> None:
    result = call(toy, *words)
    assert result.returncode == MISUSED
    assert "has no value: give it one, or leave it out" in result.stderr.splitlines()[-1]


def test_interrupt_of_a_command_is_one_line(toy: Path) -> None:
    result = call(toy, "draw", "raise KeyboardInterrupt")
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


def test_interrupt_of_an_import_is_one_line(toy: Path) -> None:
    result = call(toy, "slow")
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("package", ["decoder_pkg", "encoder", "eval", "rate_control", "submission", "training"])
def test_nothing_that_takes_long_is_imported_before_interrupts_are_expected(package: str) -> None:
    script = f"import {package}.__main__, sys; print(*{{'numpy', 'pandas', 'PIL', 'torch'}} & sys.modules.keys())"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "\n")


def test_reader_that_has_gone_is_no_named_error(toy: Path) -> None:
    """A broken pipe is an OSError too."""
    result = call(toy, "draw", "raise BrokenPipeError(32, 'Broken pipe')")
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.parametrize(("call", "module"), COMMANDS)
def test_every_command_shows_a_description_and_real_calls(
    call: str, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_module(f"python -m {call}", module, ["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert (importlib.import_module(module).__doc__ or "").strip() in shown
    assert f"\nexamples:\n  python -m {call}" in shown


@pytest.mark.parametrize("package", VERBS)
def test_no_command_lies_where_no_verb_finds_it(package: str) -> None:
    files = {path.stem for path in (ROOT / package / "commands").glob("[!_]*.py")}
    assert {f"{package}.commands.{name}" for name in files} == set(VERBS[package].values())


def test_no_command_has_a_way_of_its_own() -> None:
    packages = ("decoder_pkg", "encoder", "eval", "rate_control", "submission", "training")
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    assert [path.relative_to(ROOT).as_posix() for path in files if "ArgumentParser(" in path.read_text()] == [
        "decoder_pkg/__main__.py",
        "eval/command_line.py",
    ]
