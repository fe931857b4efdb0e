"""The table of codecs: which there are, and which architecture has which id."""

from __future__ import annotations

from typing import Any

from .asymmetric import AsymmetricCodec
from .av1 import Av1Codec
from .context_3d import Context3dCodec
from .deep_cheng import DeepChengCodec
from .deep_factorised import DeepFactorisedCodec
from .deep_joint_autoregressive import DeepJointCodec
from .deep_mean_scale import DeepMeanScaleCodec
from .deep_scale_hyperprior import DeepScaleCodec
from .factorised import FactorisedCodec
from .interface import Architecture, IntegerCodec
from .joint_autoregressive import JointAutoregressiveCodec
from .many_priors import ManyPriorsCodec
from .mean_scale import MeanScaleCodec
from .quadtree import QuadtreeCodec
from .scale_context import ScaleContextCodec
from .scale_hyperprior import ScaleHyperpriorCodec

CODECS: tuple[type[IntegerCodec[Any]], ...] = (
    ScaleContextCodec,
    QuadtreeCodec,
    MeanScaleCodec,
    FactorisedCodec,
    ScaleHyperpriorCodec,
    ManyPriorsCodec,
    JointAutoregressiveCodec,
    Context3dCodec,
    AsymmetricCodec,
    DeepFactorisedCodec,
    DeepScaleCodec,
    DeepMeanScaleCodec,
    DeepJointCodec,
    DeepChengCodec,
    Av1Codec,
)

ARCHITECTURES: tuple[Architecture, ...] = tuple(row for codec in CODECS for row in codec.architectures)


def architecture(number: int) -> Architecture:
    """The architecture with this id.

    Raises:
      KeyError: no row has this id.
    """
    for row in ARCHITECTURES:
        if row.id == number:
            return row
    raise KeyError(f"no architecture has id {number}; known: {[row.id for row in ARCHITECTURES]}")


def codec_of(arch: Architecture) -> type[IntegerCodec[Any]]:
    """The codec to which an architecture belongs."""
    return next(codec for codec in CODECS if type(arch) is type(codec.architectures[0]))
