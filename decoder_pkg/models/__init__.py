"""Models: the manifest of a folder of weights, and the bundle made of it."""

from .bundle import Bundle, DecoderModel, load_bundle
from .manifest import ALL_GAINS, MANIFEST, MS_SSIM, WEIGHTS, check_manifest, read_manifest

__all__ = [
    "ALL_GAINS",
    "MANIFEST",
    "MS_SSIM",
    "WEIGHTS",
    "Bundle",
    "DecoderModel",
    "check_manifest",
    "load_bundle",
    "read_manifest",
]
