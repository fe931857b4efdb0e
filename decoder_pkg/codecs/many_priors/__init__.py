"""Many priors: no network predicts probabilities; each position names one of the static priors."""

from .codec import BANK, INDEX, INDEX_GRID, ManyPriorsArchitecture, ManyPriorsCodec
