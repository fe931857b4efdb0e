"""Models: the manifest of a folder of weights, and the bundle made of it."""

from .bundle import BUNDLE_ID_BYTES, Bundle, DecoderModel, ShippedFilter, load_bundle
from .manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_MODELS,
    WEIGHTS,
    FileRow,
    FilterRow,
    ModelRow,
    check_manifest,
    read_file,
    read_manifest,
)
