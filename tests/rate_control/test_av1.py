"""Sets in which AV1 serves some pictures and learned models the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from decoder_pkg.decoder import decode_archive
from decoder_pkg.stream import read_archive
from encoder.byte_budget import TARGET_FILL
from encoder.candidates import CandidateCache
from encoder.codecs import ModelSetting
from encoder.models import Zoo, load_zoo
from encoder.pictures import load_picture
from encoder.prediction import settings_of
from encoder.presets import Preset
from eval.metrics import squared_error
from rate_control.jobs import Coding, PresetRefinement, Start
from rate_control.set_coder import SetCoder
from tests.av1_zoo import AV1, page

BUDGET = 4200


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A page and two photographs."""
    folder = tmp_path_factory.mktemp("mixed")
    pictures = {
        "page": page(112, 160),
        "one": skimage.data.astronaut()[:160, :200],
        "two": skimage.data.coffee()[60:220, 100:300],
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def test_set_of_a_page_and_photographs_fills_its_budget_and_decodes(mixed: list[Path], tmp_path: Path) -> None:
    shipped = load_zoo()
    (av1,) = (number for number, model in shipped.models.items() if model.conventional)
    zoo = shipped.only([1, av1])
    coder = SetCoder(zoo, mixed, CandidateCache(tmp_path))
    coder.prepare([BUDGET])
    result = coder.fill(BUDGET)
    rows = result.table.chosen.set_index("image")
    assert rows["model"].to_dict() == {"one": 1, "page": av1, "two": 1}
    assert TARGET_FILL * BUDGET <= len(result.data) <= BUDGET
    for file, decoded in zip(mixed, decode_archive(zoo.bundle, read_archive(result.data)), strict=True):
        assert decoded.pixels is not None
        assert squared_error(load_picture(file), decoded.pixels) == rows.loc[file.stem, "squared_error"]


def test_conventional_choice_is_coded_beside_the_refined_models(
    av1_zoo: Zoo, mixed: list[Path], tmp_path: Path
) -> None:
    """It has no latents to refine; what refinement saves may still win."""
    coder = SetCoder(av1_zoo, mixed[1:2], CandidateCache(tmp_path))
    coder.prepare([900], refined=True)
    coder.starts(2000.0)
    (picture,) = coder.pictures
    best = picture.prediction.settings[-1]
    learned = ModelSetting(8, 24, 128)
    coder.improve(PresetRefinement(Preset("quick", "local", 2)), {picture: Start((best, learned))}, 2000.0)
    refined = [header.setting for header in picture.candidates if header not in picture.plain]
    assert best.model == AV1
    assert best in {header.setting for header in picture.plain}
    assert len(refined) == 1
    assert refined[0][0] == 8


def test_conventional_choice_alone_asks_for_no_refinement(av1_zoo: Zoo, mixed: list[Path], tmp_path: Path) -> None:
    coder = SetCoder(av1_zoo.only([AV1]), mixed[1:2], CandidateCache(tmp_path))
    coder.prepare([1500], refined=True)
    assert len(coder.fill(1500, PresetRefinement(Preset("quick", "local", 2)), 0.05).data) <= 1500


def test_conventional_choice_grows_by_its_next_finer_setting(av1_zoo: Zoo, mixed: list[Path], tmp_path: Path) -> None:
    settings = settings_of(av1_zoo, AV1)
    coder = SetCoder(av1_zoo, mixed[1:2], CandidateCache(tmp_path))
    coder.code({coder.pictures[0]: settings[30:31] + settings[-1:]})
    picture = coder.pictures[0]
    coarse, finest = sorted((m.candidate for m in picture.candidates.values()), key=lambda c: c.header.length)
    assert picture.room(coarse) == 0
    assert picture.filling(coarse, range(1, 10)) == Coding((settings[31],))
    assert picture.filling(finest, range(1, 10)) is None
