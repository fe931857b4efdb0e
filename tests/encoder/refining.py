"""A small picture under the tiny models, for the tests of refinement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoder.codecs import Latents
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, float_model
from encoder.presets import Preset
from encoder.refinement import RefinementSetting
from encoder.refinement.objective import Objective
from eval.metrics import squared_error

Pixels = NDArray[np.uint8]
MULTIPLIER = 2000.0
QUICK = Preset("quick", "local", 12, 4, 4, (2,), (16, 8), 2, 0.05)


def small(photo: Pixels) -> Pixels:
    return photo[:96, :117]


def start_of(zoo: Zoo, photo: Pixels, number: int, q: int = 128) -> tuple[Objective, Latents]:
    setting = RefinementSetting(24, q, MULTIPLIER)
    objective = Objective(float_model(zoo.models[number]), small(photo), setting)
    return objective, AnalysedPicture(small(photo), zoo.models[number]).latents(setting.coding.gain)


def real_cost(picture: AnalysedPicture, setting: RefinementSetting, latents: Latents) -> float:
    candidate, pixels = picture.encode(setting.coding, latents)
    return 8 * len(candidate.payload) + 8 / setting.multiplier * squared_error(picture.pixels, pixels)
