"""The commands of the rate control."""

from eval.command_line import run_verbs

VERBS = {
    "tune": "rate_control.commands.tune",
    "allocate": "rate_control.commands.allocate",
    "models": "rate_control.commands.models",
}
"""Module of each command."""

if __name__ == "__main__":
    run_verbs("rate_control", VERBS)
