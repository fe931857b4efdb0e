"""A checkpoint of CompressAI becomes a codec that packs."""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
import torch
from PIL import Image

from decoder_pkg.entropy import Q_ONE
from encoder.candidates import CandidateCache
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, load_zoo, trained_codecs, weight_folders
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.prediction import sweep_settings
from eval.command_line import call_module
from submission.package import pack_targets
from submission.studies.models import models_table
from tests.seeded import in_integers, photograph_crops
from tests.training.rehearsed import assert_rehearsed
from training.commands.import_compressai import as_trained
from training.compressai import import_state, read_state
from training.data import CropSet
from training.export import shipping

FOLDER = Path(__file__).parent
MODULE = "training.commands.import_compressai"
CODECS = {
    "bmshj2018-factorized": "deep-factorised",
    "mbt2018-mean": "deep-mean-scale",
    "cheng2020-anchor": "deep-cheng-anchor",
}


@pytest.fixture
def crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("encoder.models.zoo.ZOO", tmp_path / "zoo")
    monkeypatch.setattr("training.export.whole.CALIBRATION_BATCHES", 2)
    monkeypatch.setattr("training.export.whole.MOMENT_BATCHES", 1)
    monkeypatch.setattr("training.export.deltas.SAMPLES", 4)
    # Latents that these hardly trained networks think impossible take an escape each: 1 to 2 bits more than estimated.
    monkeypatch.setattr("training.export.shipping.MOST_LOST", 0.02)
    folder = tmp_path / "crops"
    folder.mkdir()
    for column in (0, 120):
        Image.fromarray(skimage.data.coffee()[:256, column : column + 256]).save(folder / f"{column}.png")
    return folder


def test_imported_networks_are_a_codec_of_the_zoo_that_packs(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, kind in enumerate(CODECS, 1):
        options = [str(FOLDER / f"{kind}.pth.tar"), "--name", "balle", "--id", str(number), "--data", str(crops)]
        assert call_module("import-compressai", MODULE, options) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "bmshj2018-factorized, for gains 24 to 48" in said
    assert "lost to fixed point" in said
    assert trained_codecs() == ["balle"]
    zoo = load_zoo(*weight_folders("balle"))
    for number, model in zoo.models.items():
        candidate, _ = AnalysedPicture(skimage.data.chelsea()[:70, :90], model).encode(
            coding_setting(model.gains[0], Q_ONE)
        )
        assert candidate.header.model == number
    sizes = {row.path.name: 1 for row in zoo.models.values()}
    assert models_table(zoo, sizes)["codec"].tolist() == list(CODECS.values())
    assert_rehearsed(zoo, tmp_path, monkeypatch)
    assert_budgets_are_filled(zoo.only([2]), tmp_path)


def assert_budgets_are_filled(zoo: Zoo, folder: Path) -> None:
    """Makes sure that a model of one gain takes budgets between its coarsest and its finest step."""
    file, cache = folder / "large.png", CandidateCache(folder / "large")
    Image.fromarray(skimage.data.chelsea()[:200, :260]).save(file)
    coder = PictureCoder(load_picture(file), zoo, cache)
    least, *_, most = (coder.encode(*at).candidate.header.length for at in sweep_settings(zoo))
    assert most > 1.5 * least
    sizes = [least + share * (most - least) for share in (0.2, 0.8)]
    targets = [f"{8 * size / coder.pixels[:, :, 0].size:.3f}" for size in sizes]
    for target, budget in pack_targets(zoo, [file], targets, folder, cache).items():
        assert 0.97 * budget < (folder / target / "bs.zip").stat().st_size <= budget


def test_fixed_point_is_compared_with_contexts_as_they_are_decoded(
    crops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipping, "MOST_LOST", 0.003)
    found = import_state(read_state(FOLDER / "mbt2018.pth.tar"), 0.0128)
    found.model.requires_grad_(False)
    exported = in_integers(found.model, [(photograph_crops(), torch.tensor([40, 40]))])
    assert shipping._is_as_good(exported, as_trained(found), CropSet(crops)), capsys.readouterr().out


def test_foreign_file_is_named_in_one_line_and_nothing_is_written(
    crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(crops / "0.png"), "--name", "balle", "--data", str(crops)]
    assert call_module("import-compressai", MODULE, options) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"CheckpointError: {crops / '0.png'}: it is damaged")
    assert not weight_folders("balle")[0].exists()


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "much"])
def test_lambda_that_is_no_positive_number_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_module("import-compressai", MODULE, ["x.pth", "--name", "a", "--lambda", value])
    assert "no positive number" in capsys.readouterr().err
