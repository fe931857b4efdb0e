from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNERS = ["eval.command_line", "decoder_pkg.commands"]
COMMANDS = [
    path.relative_to(ROOT).as_posix()
    for package in ("decoder_pkg", "encoder", "eval", "rate_control", "submission", "training")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "argparse" in path.read_text() and "__main__" in path.read_text()
]


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


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("file", COMMANDS)
def test_no_command_starts_without_its_ends(file: str) -> None:
    last = ast.parse((ROOT / file).read_text()).body[-1]
    if isinstance(last, ast.If):
        assert ast.unparse(last.body[-1]) == "run_command(main)"
