"""The factorised prior: one static table for each channel of the latents."""

from .codec import PRIOR, FactorisedArchitecture, FactorisedCodec
