"""The commands of the submission."""

from eval.command_line import run_verbs

VERBS = {
    "submit": "submission.commands.submit",
    "decoder": "submission.commands.decoder",
    "check": "submission.commands.check",
    "rehearse": "submission.commands.rehearse",
    "freeze": "submission.commands.freeze",
    "clean": "submission.commands.clean",
    "clean-cache": "submission.commands.clean_cache",
    "wheels": "submission.commands.wheels",
    "leaderboard": "submission.commands.leaderboard",
    "curves": "submission.commands.curves",
    "models": "submission.commands.models",
    "trials": "submission.commands.trials",
    "bench": "submission.commands.bench",
    "exactness": "submission.commands.exactness",
}
"""Module of each command."""

if __name__ == "__main__":
    run_verbs("submission", VERBS)
