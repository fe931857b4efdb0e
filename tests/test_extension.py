"""A codec, a post-filter and a metric of one's own get search, rate control, packing and scoring from a row each."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
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
from encoder.candidates import CandidateCache
from encoder.codecs import coding_setting, trained_multiplier
from encoder.coding import AnalysedPicture, estimated_payload_bits
from encoder.filters import FILTER_ENCODERS
from encoder.models import Zoo, load_zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.prediction import sweep_settings
from encoder.presets import Preset
from encoder.refinement import RefinementSetting, refine_latents
from eval.leaderboard import Row
from eval.metrics import METRICS, Metric, distortion_of, measured_metrics, squared_error
from eval.report import MEAN, Curve, bjontegaard_delta, board_tables, curves_plot
from eval.score import score_folder
from eval.storage import write_atomically
from rate_control.allocation import allocate_table
from rate_control.jobs import PresetRefinement
from rate_control.set_coder import SetCoder
from submission.package import pack_targets
from tests.toy_codec import PRIOR, TOY, ToyCodec, ToyFloatCodec
from tests.toy_filter import ToyFilter, ToyFilterEncoder
from tests.toy_metric import TOY_METRIC, absolute_error
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
        patch.setitem(METRICS, TOY_METRIC.key, TOY_METRIC)
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
    candidates = [coder.encode(*setting).candidate for setting in sweep_settings(coder.zoo)]
    assert len(candidates) == 31
    assert candidates[-1].squared_error < candidates[0].squared_error
    assert candidates[-1].header.length > 2 * candidates[0].header.length
    for candidate in candidates[::5]:
        bits = estimated_payload_bits(zoo.models[MODEL], candidate, zoo.bundle.post_filters)
        assert 8 * candidate.header.length == pytest.approx(bits, abs=24)


def test_filter_of_one_s_own_is_on_where_it_pays(zoo: Zoo, files: list[Path]) -> None:
    pixels, setting = load_picture(files[0]), coding_setting(30, Q_ONE)
    plain, filtered = (
        AnalysedPicture(pixels, zoo.models[MODEL], filters).encode(setting)[0]
        for filters in ({}, zoo.bundle.post_filters)
    )
    assert (plain.header.filters, filtered.header.filters) == ([], [FILTER])
    assert filtered.squared_error < plain.squared_error
    black = np.zeros((40, 40, 3), np.uint8)
    candidate, decoded = AnalysedPicture(black, zoo.models[MODEL], zoo.bundle.post_filters).encode(setting)
    assert candidate.header.filters == []
    assert not decoded.any()


@pytest.mark.parametrize("name", ["l-opt", "local"])
def test_latents_of_a_codec_of_one_s_own_are_refined(zoo: Zoo, files: list[Path], name: str) -> None:
    picture = AnalysedPicture(load_picture(files[0]), zoo.models[MODEL], zoo.bundle.post_filters)
    setting = RefinementSetting(20, Q_ONE, trained_multiplier(20))
    refined = refine_latents(picture, setting, name, 4)
    assert refined.cost <= refine_latents(picture, setting, name, 0).cost
    candidate, _ = picture.encode(setting.coding, refined.latents)
    assert candidate.header.filters == [FILTER]


def test_set_of_toy_streams_is_allocated_and_decodes_to_what_its_table_says(
    zoo: Zoo, files: list[Path], tmp_path: Path
) -> None:
    coder = SetCoder(zoo, files, CandidateCache(tmp_path))
    coder.prepare([800])
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
        scores.append(score.values["psnr"])
    assert 15 < scores[0] < scores[1]


def test_metric_of_one_s_own_decides_what_a_set_spends_its_bytes_on(
    zoo: Zoo, files: list[Path], tmp_path: Path
) -> None:
    asked, losses = distortion_of(TOY_METRIC.key, 1.0), {}
    for distortion in (distortion_of("psnr", 1.0), asked):
        coder = SetCoder(zoo, files, CandidateCache(tmp_path), distortion)
        coder.sweep()
        assert (TOY_METRIC.column in coder.table()) == (distortion == asked)
        # Both choose from all that is known of both metrics.
        chosen = allocate_table(swept(zoo, files, tmp_path), 800, distortion)
        losses[distortion.figure.name] = chosen.values[TOY_METRIC.key]
        data = coder.fill(800, PresetRefinement(QUICK, distortion)).data
        for file, decoded in zip(files, decode_archive(zoo.bundle, read_archive(data)), strict=True):
            assert decoded.pixels is not None
            assert absolute_error(load_picture(file), decoded.pixels) < 60
    assert losses[TOY_METRIC.name] <= losses["PSNR"]


def swept(zoo: Zoo, files: list[Path], cache: Path) -> pd.DataFrame:
    coder = SetCoder(zoo, files, CandidateCache(cache), distortion_of(TOY_METRIC.key, 1.0))
    coder.sweep()
    return coder.table()


def test_latents_are_refined_for_a_metric_of_one_s_own(zoo: Zoo, files: list[Path]) -> None:
    pixels, asked = load_picture(files[0]), distortion_of(TOY_METRIC.key, 1.0)
    picture = AnalysedPicture(pixels, zoo.models[MODEL])
    setting = RefinementSetting(20, Q_ONE, 40.0, asked)
    costs = []
    for iterations in (0, 8):
        latents = refine_latents(picture, setting, "l-opt", iterations).latents
        candidate, decoded = picture.encode(setting.coding, latents)
        costs.append(pixels[..., 0].size * absolute_error(pixels, decoded) + 40 * candidate.header.length)
    assert costs[1] < costs[0]


def test_metric_of_one_s_own_is_scored_ranked_and_drawn(files: list[Path], tmp_path: Path) -> None:
    asked = distortion_of(TOY_METRIC.key, 1.0)
    shutil.copytree(files[0].parent, tmp_path / "decoded")
    folders = files[0].parent, tmp_path / "decoded"
    assert TOY_METRIC.key not in scored(*folders)
    assert scored(*folders, measured_metrics(asked))[TOY_METRIC.key] == 0
    rows = [
        Row("far", {"psnr": 30.0, "mae": 3.0}),
        Row("near", {"psnr": 29.0, "mae": 2.0}),
        Row("unknown", {"psnr": 31}),
    ]
    tables = board_tables({"0.15": rows, "0.3": rows}, ["Team", "PSNR"], asked.figure)
    assert [table["Team"].tolist() for table in tables.values()] == [["near", "far", "unknown"]] * 3
    assert "absolute error, average of the targets" in tables
    curve = Curve("codec", MEAN, (0.1, 0.2, 0.4, 0.8), {"psnr": (26.0, 28, 31, 34), "mae": (8.0, 6, 4, 3)})
    assert bjontegaard_delta(curve, curve, TOY_METRIC).rate_percent == pytest.approx(0)
    sizes = []
    for shown in (curve, replace(curve, values={"psnr": curve.values["psnr"]})):
        with Image.open(io.BytesIO(curves_plot([shown], "curves"))) as picture:
            sizes.append(picture.width)
    assert sizes[0] > 1.5 * sizes[1]


def scored(originals: Path, decoded: Path, metrics: Sequence[Metric] | None = None) -> dict[str, float]:
    score, problems = score_folder(originals, decoded, metrics=metrics)
    assert score
    assert not problems
    return score.values
