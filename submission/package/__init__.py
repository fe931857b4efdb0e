"""The two packages: decoder.zip and the data of each target."""

from .decoder_zip import (
    DECODER_ZIP,
    ENTRY,
    VENDOR,
    WHEELS,
    BuildError,
    DecoderZip,
    build_decoder_zip,
    bundle_sha256,
    vendored,
)
from .dist import Busy, ForeignFiles, clean, exclusive, reading, rebuilt
from .freeze import LOCK, freeze, read_lock
from .needs import ASK, Needs, model_needs, needs_texts, packed_needs, stream_needs
from .originals import EMBEDDED, ORIGINALS, set_pixels, stage_originals
from .pack import RULES, SUBMISSION_ZIP, TEAM, TEAM_INFO, copy_pictures, pack_decoder, pack_submission, pack_targets
from .wheels import fetch_wheels
from .zips import build_zip
