from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS
from decoder_pkg.entropy import Q_ONE
from encoder.candidates import CandidateCache
from encoder.codecs import Latents, ModelSetting, coding_setting
from encoder.coding import AnalysedPicture
from encoder.coding.splice import parts_of, splice
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.presets import Preset
from tests.encoder.refining import MULTIPLIER, Pixels, small


def test_latents_of_a_stream_are_coded_to_the_same_stream(golden_zoo: Zoo, photo: Pixels) -> None:
    for number in (7, 8):
        picture = AnalysedPicture(small(photo), golden_zoo.models[number])
        candidate, _ = picture.encode(coding_setting(20, 97))
        again, _ = picture.encode(coding_setting(20, 97), parts_of(golden_zoo.models[number], candidate, {})[0])
        assert again == candidate


def test_stream_between_two_others_has_the_wanted_size(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    coder = PictureCoder(small(photo), golden_zoo, CandidateCache(tmp_path))
    preset = Preset("once", "local", 20)
    start = [ModelSetting(7, 24, Q_ONE)]
    large, tiny = (coder.refine(start, MULTIPLIER * by, preset, kept=True).candidate for by in (1 / 4, 4))
    assert tiny.header.setting == large.header.setting
    sizes = [candidate.header.length for candidate in (tiny, large)]
    assert sizes[0] < sizes[1]
    wanted = sum(sizes) // 2
    several = [found.candidate for found in coder.between(tiny, large, range(wanted - 1, wanted + 1))]
    for found in several:
        assert wanted - 1 <= found.header.length <= wanted
        assert large.squared_error < found.squared_error < tiny.squared_error
    assert len({found.payload for found in several}) > 1


def test_flat_picture_s_stream_is_not_taken_for_that_of_another_setting(golden_zoo: Zoo, tmp_path: Path) -> None:
    coder = PictureCoder(np.full((64, 64, 3), 127, np.uint8), golden_zoo, CandidateCache(tmp_path))
    candidates = [coder.encode(7, gain).candidate for gain in (0, 1)]
    assert len({candidate.payload for candidate in candidates}) == 1
    for candidate in candidates:
        room = range(candidate.header.length, candidate.header.length + 1)
        found = next(coder.between(candidate, candidate, room)).candidate
        assert found.header.setting == candidate.header.setting


def test_splice_takes_what_is_asked_and_nothing_else() -> None:
    def latents(value: float) -> Latents:
        y = torch.full((1, 4, 6, 3), value).contiguous(memory_format=torch.channels_last)
        return {HYPER_LATENTS: torch.full((1, 2, 2, 1), value), LATENTS: y}

    mixed = splice(latents(1.0), latents(0.0), [1], 0, 5)
    y, z = mixed[LATENTS], mixed[HYPER_LATENTS]
    assert z.flatten().tolist() == [0, 1, 0, 1]
    assert (y[:, :, 4:] == 1).all()
    assert y.permute(0, 2, 3, 1).flatten()[:7].tolist() == [1] * 5 + [0] * 2
    assert y[:, :, :4].sum() == 5
