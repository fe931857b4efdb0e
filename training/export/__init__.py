"""From a checkpoint to the files of both halves."""

from .trained import read_origin, write_origin

__all__ = [
    "read_origin",
    "write_origin",
]
