"""Check, rehearsal and the decoder's report tell what must be installed for AV1, and for which pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from eval.score import SetScore
from submission.leaderboard import decoder_report
from submission.package.decoder_zip import DECODER_ZIP, WHEELS, build_decoder_zip
from submission.package.needs import needs_texts, packed_needs
from submission.package.originals import stage_originals
from submission.package.pack import pack_submission, pack_targets
from submission.rehearsal import target_report
from submission.rehearsal.run import Rehearsal
from submission.rehearsal.target import TargetResult
from submission.seasons import season
from tests.decoder_pkg.codecs.av1.files import drawing
from tests.paths import ROOT
from tests.submission.check.damage import messages

pytestmark = pytest.mark.usefixtures("not_started")
TARGET, NEED = "0.3", "Pillow with AVIF (11.3 or later) is needed by"


@pytest.fixture(scope="module")
def paged(av1_zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submission of one page, coded by AV1."""
    folder, pictures = tmp_path_factory.mktemp("paged"), tmp_path_factory.mktemp("pages")
    Image.fromarray(drawing(140, 200)).save(pictures / "page.png")
    files = stage_originals(sorted(pictures.iterdir()), folder / "originals")
    (folder / DECODER_ZIP).write_bytes(build_decoder_zip(av1_zoo.folders[0], ROOT / WHEELS).data)
    pack_targets(av1_zoo, files, [TARGET], folder, CandidateCache(pictures / "cache"))
    pack_submission(folder, [TARGET])
    return folder


def test_check_warns_of_pictures_that_need_avif(paged: Path, dist: Path) -> None:
    """Where Pillow lacks it, these pictures would be missing on the server."""
    (found,) = (text for text in messages(paged, season(2025)) if NEED in text)
    assert found.startswith(f"warning: {TARGET}/bs.zip: {NEED} page; ")
    assert "whether the container of 2025 has it is not known (known are torch, numpy, pillow," in found
    assert not [text for text in messages(dist) if NEED in text]


def test_rehearsal_names_pictures_that_need_avif(paged: Path, dist: Path) -> None:
    run = Rehearsal(paged, 0, 1.0, 0, "", "", True, False, None)
    for folder, names in ((paged, ["page"]), (dist, [])):
        needs = packed_needs(folder / DECODER_ZIP, folder / TARGET / "bs.zip")
        text = target_report(TargetResult(TARGET, 1, 1, run, SetScore(()), needs), season(2021))
        assert [name for name in ("page", "one") if f"{NEED} {name};" in text] == names


def test_decoder_of_another_make_is_no_error(tmp_path: Path, paged: Path) -> None:
    (tmp_path / DECODER_ZIP).write_bytes(b"no zip")
    assert packed_needs(tmp_path / DECODER_ZIP, paged / TARGET / "bs.zip") == {}


def test_decoder_s_report_names_models_that_need_avif(av1_zoo: Zoo, golden_zoo: Zoo) -> None:
    package = build_decoder_zip(av1_zoo.folders[0], ROOT / WHEELS)
    assert f"{NEED} model 9, av1; " in decoder_report(package, season(2021), av1_zoo.folders[0])
    assert NEED not in decoder_report(package, season(2021), golden_zoo.folders[0])


def test_many_names_are_cut() -> None:
    (text,) = needs_texts({"it": [f"picture{number}" for number in range(9)]}, season(2021))
    assert "picture4 and 4 more; whether the container of 2021 has it is not known (no package is)" in text
