"""The scale hyperprior: zero means, scales from the hyper-latents, in float."""

from .codec import ScaleHyperpriorFloatCodec
