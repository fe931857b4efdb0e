"""The tables of the encoder's halves: float codecs, and conventional ones; one for each of the decoder's codecs."""

from __future__ import annotations

from typing import Any

from decoder_pkg.codecs import Architecture

from .asymmetric import AsymmetricFloatCodec
from .av1 import Av1Encoder
from .context_3d import Context3dFloatCodec
from .conventional import ConventionalCodec
from .deep_cheng import DeepChengFloatCodec
from .deep_factorised import DeepFactorisedFloatCodec
from .deep_joint_autoregressive import DeepJointFloatCodec
from .deep_mean_scale import DeepMeanScaleFloatCodec
from .deep_scale_hyperprior import DeepScaleFloatCodec
from .factorised import FactorisedFloatCodec
from .interface import FloatCodec
from .joint_autoregressive import JointAutoregressiveFloatCodec
from .many_priors import ManyPriorsFloatCodec
from .mean_scale import MeanScaleFloatCodec
from .quadtree import QuadtreeFloatCodec
from .scale_context import ScaleContextFloatCodec
from .scale_hyperprior import ScaleHyperpriorFloatCodec

FLOAT_CODECS: tuple[type[FloatCodec[Any]], ...] = (
    ScaleContextFloatCodec,
    QuadtreeFloatCodec,
    MeanScaleFloatCodec,
    FactorisedFloatCodec,
    ScaleHyperpriorFloatCodec,
    ManyPriorsFloatCodec,
    JointAutoregressiveFloatCodec,
    Context3dFloatCodec,
    AsymmetricFloatCodec,
    DeepFactorisedFloatCodec,
    DeepScaleFloatCodec,
    DeepMeanScaleFloatCodec,
    DeepJointFloatCodec,
    DeepChengFloatCodec,
)

CONVENTIONAL_CODECS: tuple[ConventionalCodec, ...] = (Av1Encoder(),)


def conventional_codec(arch: Architecture) -> ConventionalCodec | None:
    """The conventional codec of an architecture; None where it is learned."""
    return next((codec for codec in CONVENTIONAL_CODECS if codec.architecture is type(arch)), None)


def float_codec(arch: Architecture) -> FloatCodec[Any]:
    """A new codec of an architecture, its weights initial."""
    return next(codec for codec in FLOAT_CODECS if codec.architecture is type(arch))(arch)
