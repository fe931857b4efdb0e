"""One picture under one model and setting: analysis, rounding, payload, and streams between two others."""

from .analysed_picture import AnalysedPicture
from .conventional_picture import ConventionalPicture
from .estimate import ESTIMATION, Estimate
from .interface import Filters, ModelPicture
from .model_picture import model_picture
from .payload import QuantisedPicture, encode_payload, quantise, with_choices
from .rate import estimated_bits, estimated_payload_bits
from .rounding import ERROR_BITS, ROUNDING
from .splice import parts_of, splice_to_fit
from .wanted_length import round_to_fit, splice_between
