"""Both halves of the trained models, what is known of each, and where they run."""

from .devices import arithmetic, bf16_helps, cpu_has, fastest_device, seeded
from .manifest import (
    ALL_GAINS,
    KINDS,
    EncoderManifest,
    KnownModel,
    TrainingRecord,
    check_known_model,
    read_encoder_manifest,
)
from .model import EncoderModel, float_model, to_grid
from .options import add_codec_option
from .zoo import NEAR, WEIGHTS, ZOO, Zoo, load_zoo, trained_codecs, weight_folders
