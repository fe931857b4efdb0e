from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.stream import entry_size
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.prediction import sweep_settings
from encoder.presets import Preset
from eval.command_line import call_module
from eval.machine import provenance
from eval.metrics import MS_SSIM, PSNR
from eval.report.curves import MEAN, SET
from rate_control.allocation.table import TableError, cheapest_rows
from rate_control.engines import Here
from submission.leaderboard import BaselineSet
from submission.studies.codecs import (
    MULTIPLIER_GAINS,
    Codec,
    baseline_codecs,
    mean_curve,
    model_codecs,
    preset_codecs,
    whole_set_curve,
)
from submission.studies.curves import delta_table, deviation_report, write_curves

TABLE = pd.DataFrame(
    {
        "image": ["a", "a", "a", "b", "b", "b"],
        "candidate": ["low", "bad", "high"] * 2,
        "bytes": [100, 150, 200, 50, 80, 90],
        "squared_error": [300_000, 310_000, 100_000, 90_000, 95_000, 30_000],
        "ms_ssim_loss": [0.10, 0.11, 0.04, 0.08, 0.09, 0.02],
        "pixels": [1000, 1000, 1000, 500, 500, 500],
    }
)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two small photographs; caches go beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    Image.fromarray(skimage.data.astronaut()[:96, :128]).save(tmp_path / "photos" / "one.png")
    Image.fromarray(skimage.data.coffee()[:90, :80]).save(tmp_path / "photos" / "two.png")
    return sorted((tmp_path / "photos").iterdir())


def test_mean_of_pictures_is_no_figure_of_the_whole_set() -> None:
    curve = mean_curve("codec", TABLE)
    assert curve.kind == MEAN
    assert curve.bpp == pytest.approx([0.8, 1.52])
    errors = ((300_000, 90_000), (100_000, 30_000))
    means = [(PSNR.pooled([a], [1000]) + PSNR.pooled([b], [500])) / 2 for a, b in errors]
    assert curve.values["psnr"] == pytest.approx(means)
    assert curve.values["ms-ssim"] == pytest.approx([0.91, 0.97])


def test_setting_that_lacks_a_picture_is_left_out_of_the_means_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Its mean would be that of the pictures that are left."""
    curve = mean_curve("codec", TABLE.drop(index=3))
    assert curve.bpp == mean_curve("codec", TABLE[TABLE["candidate"] != "low"]).bpp
    assert "codec has no b at low" in capsys.readouterr().err
    with pytest.raises(TableError, match="codec codes all pictures at no setting"):
        mean_curve("codec", TABLE.assign(candidate=range(len(TABLE))))


def test_picture_that_comes_back_exactly_leaves_the_others_a_curve() -> None:
    exact = TABLE.assign(squared_error=[300_000, 310_000, 100_000, 0, 0, 0])
    curve = mean_curve("codec", exact)
    most = PSNR.pooled([1], [500])
    assert curve.values["psnr"] == pytest.approx(
        [(PSNR.pooled([error], [1000]) + most) / 2 for error in (300_000, 100_000)]
    )


def test_conventional_codecs_have_a_curve_for_each_metric() -> None:
    table = TABLE.assign(settings=pd.Series([{"quality": 1}] * len(TABLE), dtype=object))
    codecs = baseline_codecs({"JPEG": table}, [PSNR, MS_SSIM])
    assert [(codec.name, codec.metric) for codec in codecs] == [("JPEG", PSNR), ("JPEG, for MS-SSIM", MS_SSIM)]


def test_whole_set_is_no_mean_of_pictures() -> None:
    curve = whole_set_curve("codec", TABLE)
    assert curve.kind == SET
    assert curve.bpp[0] == pytest.approx(8 * 150 / 1500)
    assert curve.bpp[-1] == pytest.approx(8 * 290 / 1500)
    assert curve.values["psnr"][0] == pytest.approx(PSNR.pooled([390_000], [1500]))
    assert curve.values["ms-ssim"][-1] == pytest.approx((0.96 * 1000 + 0.98 * 500) / 1500)


def test_curves_of_a_model_count_real_bytes(golden_zoo: Zoo, files: list[Path]) -> None:
    model = next(iter(golden_zoo.models))
    (codec,) = model_codecs(golden_zoo, files, [[model]], Here())
    settings = sweep_settings(golden_zoo.only([model]))
    assert codec.table.groupby("candidate")["image"].apply(set).tolist() == [{"one", "two"}] * len(settings)
    picture = PictureCoder(load_picture(files[0]), golden_zoo, CandidateCache())
    first = picture.encode(model, *settings[0][1:]).candidate
    row = codec.table.iloc[0]
    assert row["bytes"] == entry_size(first.entry("one"))
    assert codec.provenance.bundle_sha256 == golden_zoo.bundle.digest.hex()
    assert "real bytes against the estimate" in deviation_report(golden_zoo, codec.name, model, files)


def test_preset_costs_at_no_multiplier_more_than_the_sweep(golden_zoo: Zoo, files: list[Path]) -> None:
    (codec,) = preset_codecs(golden_zoo, files, [Preset("short", "local", 3)], Here())
    (swept,) = model_codecs(golden_zoo, files, [list(golden_zoo.models)], Here())
    assert len(codec.table) == len(files) * len(MULTIPLIER_GAINS)
    for multiplier in codec.table["multiplier"].unique().tolist():
        least = cheapest_rows(swept.table, multiplier).set_index("image")
        found = codec.table[codec.table["multiplier"] == multiplier].set_index("image")
        costs = [rows["squared_error"] + multiplier * rows["bytes"] for rows in (found, least)]
        # The sweep may hold a neighbouring setting that is a little better than the one that was refined.
        assert (costs[0] <= 1.01 * costs[1]).all()
    assert codec.table.groupby("multiplier")["bytes"].sum().is_monotonic_decreasing


def test_models_together_are_at_no_point_worse_than_one_of_them(golden_zoo: Zoo, files: list[Path]) -> None:
    models = list(golden_zoo.models)
    together, *single = model_codecs(golden_zoo, files, [models, *([model] for model in models)], Here())
    assert (together.name, len(together.table)) == ("this codec", sum(len(codec.table) for codec in single))
    best = together.curves[0]
    for curve in (codec.curves[0] for codec in single):
        reached = np.interp(curve.bpp, best.bpp, best.values["psnr"], left=-np.inf)
        assert (reached >= np.array(curve.values["psnr"]) - 1e-9).all()


def test_settings_that_lose_to_others_or_to_a_mix_of_two_do_not_pull_a_curve_down() -> None:
    rows = [("c", 30, 12_000), ("a", 10, 90_000), ("falls", 20, 95_000), ("b", 20, 30_000), ("little more", 21, 29_000)]
    table = pd.DataFrame(rows, columns=["candidate", "bytes", "squared_error"])
    table = table.assign(image="one", pixels=1000, ms_ssim_loss=0.1)
    assert mean_curve("codec", table).bpp == pytest.approx([0.08, 0.16, 0.24])


def test_points_tell_settings_and_origin(files: list[Path], tmp_path: Path) -> None:
    codecs = baseline_codecs(BaselineSet(files, codecs=["JPEG", "WebP"]).sweep())
    text = write_curves(codecs, [], tmp_path / "out", "photos")
    names = ("photos.png", "photos-set.png", "photos.csv", "photos-deltas.csv")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    points = pd.read_csv(tmp_path / "out" / "photos.csv")
    assert set(points["points"]) == {MEAN, SET}
    assert not points[["settings", "commit", "torch", "threads", "device", "date"]].isna().any(axis=None)
    deltas = pd.read_csv(tmp_path / "out" / "photos-deltas.csv")
    assert deltas["codec"].unique().tolist() == ["JPEG"]
    assert not deltas[["points", "against", "metric", "commit", "device"]].isna().any(axis=None)
    assert "BD-rate" in text


def test_curve_too_short_for_a_delta_is_refused_in_its_row() -> None:
    codecs = [Codec(name, TABLE, "", provenance(1)) for name in ("first", "second")]
    table = delta_table([curve for codec in codecs for curve in codec.curves], [])
    assert table[["codec", "against"]].drop_duplicates().to_numpy().tolist() == [["first", "second"]]
    assert set(table["points"]) == {MEAN, SET}
    assert table["refused"].str.contains("a delta needs 4").all()


def test_codec_without_company_still_has_its_curves(tmp_path: Path) -> None:
    write_curves([Codec("only", TABLE, "", provenance(1))], [], tmp_path, "set")
    assert pd.read_csv(tmp_path / "set-deltas.csv").empty


def test_unknown_codec_is_refused_before_any_work(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--images", str(files[0].parent), "--codecs", "1", "H.268"]
    with pytest.raises(SystemExit):
        call_module("curves", "submission.commands.curves", options)
    assert "no codec H.268" in capsys.readouterr().err


def test_folder_without_pictures_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_module("curves", "submission.commands.curves", ["--images", str(tmp_path)]) == 1
    assert "holds no pictures" in capsys.readouterr().err
