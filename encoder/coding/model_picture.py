"""The picture under a model, of the kind that the model asks for."""

from __future__ import annotations

from ..models import EncoderModel
from ..pictures import Pixels
from .analysed_picture import AnalysedPicture
from .conventional_picture import ConventionalPicture
from .interface import Filters, ModelPicture


def model_picture(pixels: Pixels, model: EncoderModel, filters: Filters | None = None) -> ModelPicture:
    """The picture under a model; a learned one analyses it at once. The arguments are those of `ModelPicture`."""
    return (ConventionalPicture if model.conventional else AnalysedPicture)(pixels, model, filters)
