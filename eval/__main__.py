"""The command of the scores."""

from .command_line import run_module

if __name__ == "__main__":
    run_module("eval", "eval.command")
