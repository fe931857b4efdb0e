"""The float half of each codec, mirroring decoder_pkg.codecs."""

from .convolutions import watched_convolutions

__all__ = [
    "watched_convolutions",
]
