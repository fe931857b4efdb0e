"""The scale hyperprior: zero means, scales from the hyper-latents, in exact integers."""

from .codec import ScaleHyperpriorArchitecture, ScaleHyperpriorCodec
