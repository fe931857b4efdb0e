"""AV1, the conventional codec, for pictures that it serves better than a learned model."""

from .codec import Av1Architecture, Av1Codec, av1_integers
