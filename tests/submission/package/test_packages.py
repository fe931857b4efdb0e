from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.commands import DATA_ZIP
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.pictures import Pixels, load_picture
from eval.storage import write_atomically
from rate_control.allocation.lagrangian import InfeasibleBudget
from submission.package import pack as build
from submission.package.decoder_zip import WHEELS, BuildError, build_decoder_zip
from submission.package.originals import EMBEDDED, stage_originals
from submission.package.pack import pack_targets
from submission.package.zips import build_zip
from submission.rehearsal.target import RehearsalError, rehearse_target
from tests.paths import GOLDEN, ROOT


def test_zip_does_not_depend_on_order_or_time() -> None:
    members = {"b": b"2", "a": b"1"}
    first = build_zip(members, frozenset({"a"}))
    assert first == build_zip(dict(reversed(members.items())), frozenset({"a"}))


def test_decoder_zip_has_the_same_bytes_from_another_folder(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "decoder", tmp_path / "weights")
    shutil.copytree(ROOT / WHEELS, tmp_path / "wheels")
    here = build_decoder_zip(GOLDEN / "decoder", ROOT / WHEELS)
    there = build_decoder_zip(tmp_path / "weights", tmp_path / "wheels")
    assert here.data == there.data
    assert sum(here.part_bytes.values()) == len(here.data)


def test_decoder_zip_holds_no_file_outside_its_folders(tmp_path: Path) -> None:
    write_atomically(tmp_path / "decoder.zip", build_decoder_zip(GOLDEN / "decoder", ROOT / WHEELS).data)
    with zipfile.ZipFile(tmp_path / "decoder.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"decode", "decoder_pkg", "vendor"}
        versions = [name for name in archive.namelist() if name.endswith(".so")]
    assert sorted(name.split("cpython-")[1][:3] for name in versions) == ["310", "311", "312", "313"]


def test_missing_or_foreign_wheel_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="missing"):
        build_decoder_zip(GOLDEN / "decoder", tmp_path)
    shutil.copytree(ROOT / WHEELS, tmp_path / "wheels")
    next((tmp_path / "wheels").iterdir()).write_bytes(b"other")
    with pytest.raises(BuildError, match="not the wheel"):
        build_decoder_zip(GOLDEN / "decoder", tmp_path / "wheels")


def test_embedded_set_is_four_colour_photographs(tmp_path: Path) -> None:
    files = stage_originals(None, tmp_path / "originals")
    assert [file.stem for file in files] == list(EMBEDDED)
    assert np.array_equal(np.asarray(Image.open(files[0])), skimage.data.astronaut())


def test_one_photograph_of_a_set_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, written = tmp_path / "photos", tmp_path / "originals"
    photos.mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (4, 4)).save(photos / f"{name}.png")

    def load(path: Path) -> Pixels:
        assert len(list(written.glob("*.png"))) == "abc".index(path.stem)
        return load_picture(path)

    monkeypatch.setattr("submission.package.originals.load_with_notes", load)
    assert len(stage_originals(sorted(photos.iterdir()), written)) == 3


def test_rehearsal_reproduces_the_set_within_the_budget(dist: Path) -> None:
    for target, bpp in (("0.15", 0.15), ("0.3", 0.3)):
        pixels = 130 * 200 + 99 * 161
        budget = -(-pixels * int(bpp * 1000) // 8000)
        result = rehearse_target(dist, target, dist / "originals", budget)
        assert result.data_bytes == (dist / target / DATA_ZIP).stat().st_size <= budget
        assert result.score.values["psnr"] > 20
        assert result.rehearsal.seconds > 0
        assert result.rehearsal.peak_bytes > 2**20


def test_higher_target_scores_higher(dist: Path) -> None:
    low, high = (rehearse_target(dist, target, dist / "originals", 10**6) for target in ("0.15", "0.3"))
    assert high.score.values["psnr"] > low.score.values["psnr"]


def test_submission_zip_holds_all_parts(dist: Path) -> None:
    with zipfile.ZipFile(dist / "submission.zip") as archive:
        assert archive.namelist() == ["0.15/bs.zip", "0.3/bs.zip", "decoder.zip"]
        assert archive.read("decoder.zip") == (dist / "decoder.zip").read_bytes()


def test_failed_rehearsal_shows_the_log_and_the_missing_pictures(dist: Path, tmp_path: Path) -> None:
    for name in ("decoder.zip", "originals"):
        source = dist / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    write_atomically(tmp_path / "0.3" / DATA_ZIP, (dist / "0.3" / DATA_ZIP).read_bytes()[:-30])
    with pytest.raises(RehearsalError, match=r"(?s)one\.png: missing.*DamagedZip"):
        rehearse_target(tmp_path, "0.3", tmp_path / "originals", 10**6)


def test_target_below_the_smallest_streams_is_refused(golden_zoo: Zoo, dist: Path, tmp_path: Path) -> None:
    files = sorted((dist / "originals").glob("*.png"))
    with pytest.raises(InfeasibleBudget, match="more than the budget"):
        pack_targets(golden_zoo, files, ["0.0001"], tmp_path, CandidateCache(dist / "cache"))
    assert not list(tmp_path.rglob(build.SUBMISSION_ZIP))
