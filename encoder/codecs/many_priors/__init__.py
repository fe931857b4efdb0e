"""Many priors in float: competition, and new seeds for the priors that never win."""

from .codec import ManyPriorsFloatCodec
