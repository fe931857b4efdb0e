"""A trained codec beside the shipped models: begun by an export, packed by its name."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from decoder_pkg.models import load_bundle
from encoder.models import load_zoo, read_encoder_manifest, trained_codecs, weight_folders
from eval.command_line import call_module
from submission.package import DECODER_ZIP, WHEELS
from submission.package.decoder_zip import PACKED_WEIGHTS
from tests.paths import GOLDEN, ROOT
from training.export.manifests import NewModel, update_manifests


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one codec, `tiny`."""
    folder = tmp_path / "zoo"
    for half in ("decoder", "encoder"):
        shutil.copytree(GOLDEN / half, folder / "tiny" / half)
    monkeypatch.setattr("encoder.models.zoo.ZOO", folder)
    monkeypatch.setattr("submission.package.decoder_zip.WHEELS", ROOT / WHEELS)
    monkeypatch.chdir(tmp_path)
    return folder


def test_package_of_a_codec_holds_its_weights_and_not_the_shipped_ones(zoo: Path, tmp_path: Path) -> None:
    if not (ROOT / WHEELS).is_dir():
        pytest.skip("needs the range coder's wheels: make wheels")
    (tmp_path / WHEELS.parent).mkdir()
    (tmp_path / WHEELS).symlink_to(ROOT / WHEELS)
    assert call_module("decoder", "submission.commands.decoder", ["--codec", "tiny", "--dist", "dist"]) == 0
    with zipfile.ZipFile(tmp_path / "dist" / DECODER_ZIP) as package:
        package.extractall(tmp_path / "unpacked")
    packed = tmp_path / "unpacked" / PACKED_WEIGHTS
    assert {path.name for path in packed.iterdir()} == {path.name for path in (zoo / "tiny" / "decoder").iterdir()}
    assert load_bundle(packed).digest == load_zoo(*weight_folders("tiny")).bundle.digest


def test_codec_that_was_not_trained_is_refused_with_the_names_of_those_that_were(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert trained_codecs() == ["tiny"]
    with pytest.raises(SystemExit):
        call_module("decoder", "submission.commands.decoder", ["--codec", "huge"])
    assert "tiny" in capsys.readouterr().err


def test_codec_is_begun_with_the_shipped_post_filters_and_keeps_its_own(zoo: Path) -> None:
    row = next(row for row in read_encoder_manifest(GOLDEN / "encoder").models.values() if row["id"] == 7)
    for half in ("decoder", "encoder"):
        (zoo / "new" / half).mkdir(parents=True)
        shutil.copy(GOLDEN / half / row["file"], zoo / "new" / half)
    for _ in range(2):
        for codec in ("new", "tiny"):
            model = NewModel(7, "first", row["file"], None, {})
            update_manifests(*weight_folders(codec), model, weight_folders())
    shipped, tiny = load_zoo().bundle.filters, load_zoo(*weight_folders("tiny")).bundle.filters
    begun = load_zoo(*weight_folders("new")).bundle
    assert list(begun.models) == [7]
    assert {number: kept.digest for number, kept in begun.filters.items()} == {
        number: kept.digest for number, kept in shipped.items()
    }
    assert not tiny
