"""A codec and a post-filter of one's own get search, rate control, packing and scoring from a row of a table each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from safetensors.numpy import save

from decoder_pkg.commands import decode_server
from decoder_pkg.decoder import decode_archive
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.pixels.filters import FILTERS
from decoder_pkg.stream import read_archive
from encoder.cache import CandidateCache
from encoder.coding import AnalysedPicture, estimated_payload_bits
from encoder.filters import FILTER_ENCODERS
from encoder.latents import Setting, coding_setting, trained_slope
from encoder.picture_coder import SWEEP, PictureCoder
from encoder.pictures import load_picture
from encoder.presets import Preset
from encoder.refinement import refine_latents
from encoder.weights import Zoo, load_zoo
from eval.files import write_atomically
from eval.metrics import squared_error
from eval.score import score_folder
from rate_control.set_coder import SetCoder
from submission.package import pack_targets
from tests.toy_codec import PRIOR, TOY, ToyCodec, ToyFloatCodec
from tests.toy_filter import ToyFilter, ToyFilterEncoder
from training.export.manifests import NewModel, update_filter, update_manifests
from training.export.tables import static_tables

MODEL, FILTER = 200, 5
QUICK = Preset("quick", "local", 3)


@pytest.fixture(scope="module", autouse=True)
def _in_the_tables() -> Iterator[None]:
    """All that an extension writes outside its own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("decoder_pkg.codecs.table.CODECS", (ToyCodec,))
        patch.setattr("decoder_pkg.codecs.table.ARCHITECTURES", (TOY,))
        patch.setattr("encoder.codecs.table.FLOAT_CODECS", (ToyFloatCodec,))
        patch.setitem(FILTERS, ToyFilter.name, ToyFilter)
        patch.setitem(FILTER_ENCODERS, ToyFilter.name, ToyFilterEncoder())
        yield


@pytest.fixture(scope="module")
def zoo(_in_the_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Weights folders with the toys alone."""
    folders = tmp_path_factory.mktemp("decoder"), tmp_path_factory.mktemp("encoder")
    codec, file = ToyFloatCodec(TOY), "toy.safetensors"
    with torch.no_grad():
        codec.prior.log_scale.add_(torch.arange(len(codec.prior.log_scale))[:, None, None] / 2)
    state = {name: value.numpy() for name, value in codec.state_dict().items()}
    tables = static_tables(PRIOR, codec.prior) | {"synthesis.level": state.pop("synthesis.level")}
    write_atomically(folders[0] / file, save(tables, {"architecture": str(TOY.id), "exponents": "{}"}))
    write_atomically(folders[1] / file, save(state))
    update_manifests(*folders, NewModel(MODEL, "toy", file, None, {}))
    data = save({"unit": np.array(1.5, np.float32)})
    write_atomically(folders[0] / "filter.safetensors", data)
    row = {"id": FILTER, "filter": ToyFilter.name, "file": "filter.safetensors"}
    update_filter(*folders, row | {"sha256": hashlib.sha256(data).hexdigest()}, {})
    return load_zoo(*folders)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in (("one", skimage.data.astronaut()[:250, :200]), ("two", skimage.data.coffee()[:190, :300])):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def test_toys_are_encoded_at_every_setting_and_take_what_their_rates_say(zoo: Zoo, files: list[Path]) -> None:
    coder = PictureCoder(load_picture(files[0]), zoo, CandidateCache())
    candidates = [measured.candidate for measured in coder.sweep()]
    assert len(candidates) == len(SWEEP)
    assert candidates[-1].squared_error < candidates[0].squared_error
    assert candidates[-1].header.length > 2 * candidates[0].header.length
    for candidate in candidates[::5]:
        bits = estimated_payload_bits(zoo.models[MODEL], candidate, zoo.bundle.pixel_filters)
        assert 8 * candidate.header.length == pytest.approx(bits, abs=24)


def test_filter_of_one_s_own_is_on_where_it_pays(zoo: Zoo, files: list[Path]) -> None:
    pixels, setting = load_picture(files[0]), coding_setting(30, Q_ONE)
    plain, filtered = (
        AnalysedPicture(pixels, zoo.models[MODEL], filters).encode(setting)[0]
        for filters in ({}, zoo.bundle.pixel_filters)
    )
    assert (plain.header.filters, filtered.header.filters) == ([], [FILTER])
    assert filtered.squared_error < plain.squared_error
    black = np.zeros((40, 40, 3), np.uint8)
    candidate, decoded = AnalysedPicture(black, zoo.models[MODEL], zoo.bundle.pixel_filters).encode(setting)
    assert candidate.header.filters == []
    assert not decoded.any()


@pytest.mark.parametrize("name", ["l-opt", "local"])
def test_latents_of_a_codec_of_one_s_own_are_refined(zoo: Zoo, files: list[Path], name: str) -> None:
    picture = AnalysedPicture(load_picture(files[0]), zoo.models[MODEL], zoo.bundle.pixel_filters)
    setting = Setting(20, Q_ONE, trained_slope(20))
    refined = refine_latents(picture, setting, name, 4)
    assert refined.cost <= refine_latents(picture, setting, name, 0).cost
    candidate, _ = picture.encode(setting.coding, refined.latents)
    assert candidate.header.filters == [FILTER]


def test_set_of_toy_streams_is_allocated_and_decodes_to_what_its_table_says(
    zoo: Zoo, files: list[Path], tmp_path: Path
) -> None:
    coder = SetCoder(zoo, files, CandidateCache(tmp_path))
    coder.sweep()
    result = coder.fill(800)
    assert 780 <= len(result.data) <= 800
    rows = result.table.chosen.set_index("image")
    for file, decoded in zip(files, decode_archive(zoo.bundle, read_archive(result.data)), strict=True):
        assert decoded.pixels is not None
        assert squared_error(load_picture(file), decoded.pixels) == rows.loc[file.stem, "squared_error"]


def test_packed_toy_streams_are_decoded_and_scored(zoo: Zoo, files: list[Path], tmp_path: Path) -> None:
    targets = ["0.06", "0.085"]
    budgets = pack_targets(zoo, files, targets, tmp_path, CandidateCache(tmp_path / "cache"), QUICK)
    scores = []
    for target in targets:
        assert (tmp_path / target / "bs.zip").stat().st_size <= budgets[target]
        assert decode_server(zoo.bundle, tmp_path / target) == 0
        score, problems = score_folder(files[0].parent, tmp_path / target)
        assert score
        assert not problems
        scores.append(score.psnr_db)
    assert 15 < scores[0] < scores[1]
