"""The training loop: steps, optimisers, checkpoints, logs."""

from .divergence import DivergenceError
from .trainer import CHECKPOINT, ORIGIN, Trainer

__all__ = [
    "CHECKPOINT",
    "ORIGIN",
    "DivergenceError",
    "Trainer",
]
