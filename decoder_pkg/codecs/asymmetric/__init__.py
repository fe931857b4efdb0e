"""Asymmetric Gaussians: the hyper-latents give a mean, and a scale for either side of it."""

from .codec import AsymmetricArchitecture, AsymmetricCodec
