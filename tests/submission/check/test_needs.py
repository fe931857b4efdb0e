"""Check, rehearsal and the decoder's report tell what must be installed for AV1, and for which pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from eval.score import SetScore
from submission.leaderboard import decoder_report
from submission.package.decoder_zip import DECODER_ZIP, WHEELS, BuildError, build_decoder_zip
from submission.package.needs import needs_texts, packed_needs
from submission.package.originals import stage_originals
from submission.package.pack import pack_submission, pack_targets
from submission.rehearsal import target_report
from submission.rehearsal.run import Rehearsal
from submission.rehearsal.target import TargetResult
from submission.seasons import season
from tests.av1_zoo import AV1
from tests.decoder_pkg.codecs.av1.files import drawing
from tests.paths import ROOT
from tests.submission.check.damage import messages

pytestmark = pytest.mark.usefixtures("not_started")
AVIF = replace(season(2021), avif=True)
TARGET, NEED = "0.3", "Pillow with AVIF (11.3 or later) is needed by"


@pytest.fixture(scope="module")
def paged(av1_zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submission of one page, coded by AV1."""
    folder, pictures = tmp_path_factory.mktemp("paged"), tmp_path_factory.mktemp("pages")
    Image.fromarray(drawing(140, 200)).save(pictures / "page.png")
    files = stage_originals(sorted(pictures.iterdir()), folder / "originals")
    cache = CandidateCache(pictures / "cache")
    (folder / DECODER_ZIP).write_bytes(build_decoder_zip(av1_zoo.folders[0], ROOT / WHEELS).data)
    pack_targets(av1_zoo, files, [TARGET], folder, cache, rules=AVIF)
    pack_submission(folder, [TARGET])
    return folder


def test_check_warns_of_pictures_that_need_avif(paged: Path, dist: Path) -> None:
    """Where Pillow lacks it, these pictures would be missing on the server."""
    (found,) = (text for text in messages(paged, season(2025)) if NEED in text)
    assert found.startswith(f"warning: {TARGET}/bs.zip: {NEED} page; ")
    assert "whether the container of 2025 has it is not known (known are torch, numpy, pillow," in found
    assert not [text for text in messages(dist) if NEED in text]


def test_av1_codes_nothing_for_a_container_that_may_not_decode_it(av1_zoo: Zoo, paged: Path, tmp_path: Path) -> None:
    """A stream that the server cannot decode is worth nothing, however small."""
    files, cache = sorted((paged / "originals").iterdir()), CandidateCache(tmp_path / "cache")
    pack_targets(av1_zoo, files, [TARGET], tmp_path, cache)
    assert packed_needs(paged / DECODER_ZIP, tmp_path / TARGET / "bs.zip") == {}
    assert packed_needs(paged / DECODER_ZIP, paged / TARGET / "bs.zip") != {}
    with pytest.raises(BuildError, match="give --avif where the server's Pillow decodes AVIF"):
        pack_targets(av1_zoo.only([AV1]), files, [TARGET], tmp_path, cache)


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
    unknown, known = (decoder_report(package, rules, av1_zoo.folders[0]) for rules in (season(2021), AVIF))
    assert f"{NEED} model 9, av1; whether the container of 2021 has it is not known" in unknown
    assert "it codes no picture; give --avif" in unknown
    assert known.endswith(f"{NEED} model 9, av1; the container of 2021 has it")
    assert NEED not in decoder_report(package, season(2021), golden_zoo.folders[0])


def test_many_names_are_cut() -> None:
    (text,) = needs_texts({"it": [f"picture{number}" for number in range(9)]}, season(2021))
    assert "picture4 and 4 more; whether the container of 2021 has it is not known (no package is)" in text
