"""The scale hyperprior of CompressAI, in exact integers."""

from .codec import MEDIAN, DeepScaleArchitecture, DeepScaleCodec
from .decoder import FINE_SCALES
