"""The commands of the training."""

from eval.command_line import run_verbs

VERBS = {
    "train": "training.commands.train",
    "export": "training.commands.export",
    "conventional": "training.commands.conventional",
    "import-compressai": "training.commands.import_compressai",
    "filter-basis": "training.commands.filter_basis",
    "milestones": "training.commands.milestones",
}
"""Module of each command."""

if __name__ == "__main__":
    run_verbs("training", VERBS)
