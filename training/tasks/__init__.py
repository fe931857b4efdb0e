"""What is trained: losses, initial weights, evaluation."""

from .evaluation import evaluate, load_pictures
from .initialise import initialise_shortcut
from .loss import losses
from .low_rank import adapt, merge, trained

__all__ = [
    "adapt",
    "evaluate",
    "initialise_shortcut",
    "load_pictures",
    "losses",
    "merge",
    "trained",
]
