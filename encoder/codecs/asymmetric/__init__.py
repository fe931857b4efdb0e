"""Asymmetric Gaussians in float."""

from .codec import AsymmetricFloatCodec
