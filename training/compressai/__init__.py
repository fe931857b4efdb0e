"""Checkpoints of the CompressAI library (https://github.com/InterDigitalInc/CompressAI) as models of this project."""

from .checkpoint import CheckpointError, read_state
from .kinds import KINDS, Imported, import_state
