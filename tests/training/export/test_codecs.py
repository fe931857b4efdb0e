"""A model of every codec goes from a training run to a rehearsed submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from encoder.codecs import trained_multiplier
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, load_zoo
from encoder.refinement import RefinementSetting, refine_latents
from eval.metrics import squared_error
from tests.training.rehearsed import assert_rehearsed


@pytest.fixture(scope="module")
def zoo(every_export: tuple[Path, Path]) -> Zoo:
    return load_zoo(*every_export)


def test_refined_latents_cost_less_and_decode_to_what_was_encoded(zoo: Zoo) -> None:
    pixels = np.ascontiguousarray(skimage.data.chelsea()[:70, :90])
    picture, setting = AnalysedPicture(pixels, zoo.models[3]), RefinementSetting(20, 100, trained_multiplier(20))
    plain, refined = (refine_latents(picture, setting, "local", iterations) for iterations in (0, 8))
    assert refined.cost < plain.cost
    candidate, pixels_back = picture.encode(setting.coding, refined.latents)
    assert squared_error(pixels, pixels_back) == candidate.squared_error


def test_submission_of_a_model_is_rehearsed_to_the_pictures_that_were_encoded(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_rehearsed(zoo, tmp_path, monkeypatch)
