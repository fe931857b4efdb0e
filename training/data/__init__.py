"""Training data: crops, how they are cut and varied, batches."""

from .batches import TrainingBatch, load_batches
from .crops import CROPS, EVALUATION, CropSet
from .cutting import Cutter, fits

__all__ = [
    "CROPS",
    "EVALUATION",
    "CropSet",
    "Cutter",
    "TrainingBatch",
    "fits",
    "load_batches",
]
