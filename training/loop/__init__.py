"""The training loop: steps, optimisers, checkpoints, logs."""

from .divergence import DivergenceError
from .trainer import Trainer
