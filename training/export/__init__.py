"""From a checkpoint to the files of both halves."""

from .trained import LICENCE, ExportError, TrainedRun, load_run, read_origin, write_origin
