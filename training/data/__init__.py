"""Training data: crops, how they are cut and varied, batches."""

from .batches import TrainingBatch, load_batches
from .crops import CROPS, EVALUATION, CropError, CropSet
from .cutting import Cutter, fits
