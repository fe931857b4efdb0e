"""Float transforms that several codecs share. What needs torch is imported from its own module."""

from .interface import TransformArchitecture, TransformCodec, Transforms
from .kinds import GDN, SMOKE, AttentionTransforms, GdnTransforms, ResidualTransforms, full
