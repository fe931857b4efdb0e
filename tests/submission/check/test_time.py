"""That no submission keeps `check` busy for longer than the server would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from decoder_pkg.commands import ZIP_MEMBER, read_stream
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.models import Bundle, load_bundle
from decoder_pkg.stream import Entry, unpack, write_archive
from submission.check import code as check_code
from submission.check import parts
from submission.check.code import code_problems
from submission.check.parts import check_data
from submission.package import build_zip
from submission.seasons import MAX_UNPACKED, KnownSet, season
from tests.paths import GOLDEN
from tests.streams import archive_of

RULES = replace(season(2021), seconds=1000)
PICTURES = 30


@pytest.fixture
def bundle() -> Bundle:
    return load_bundle(GOLDEN / "decoder")


@pytest.fixture
def data(dist: Path, tmp_path: Path, bundle: Bundle) -> Path:
    """Data of many pictures of one size."""
    first = read_stream(dist / "0.3/bs.zip").archive.entries[0]
    archive = archive_of(bundle, *(replace(first, name=f"p{number}") for number in range(PICTURES)))
    path = tmp_path / "bs.zip"
    path.write_bytes(build_zip({ZIP_MEMBER: write_archive(archive.bundle_id, archive.entries)}))
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the pictures that were decoded, each of which takes as many seconds as SECONDS says."""
    names: list[str] = []
    clock = iter(range(0, 10**6, SECONDS))

    def decode(_: Bundle, entry: Entry) -> None:
        names.append(entry.name)
        if entry.name in DAMAGED:
            raise CorruptPayload(entry.name)

    monkeypatch.setattr(parts, "decode_integers", decode)
    monkeypatch.setattr(parts, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    yield names
    DAMAGED.clear()


SECONDS = 25
DAMAGED: set[str] = set()


def messages(path: Path, bundle: Bundle, known: KnownSet | None = None) -> list[str]:
    return [problem.message for problem in check_data(path, "3", bundle, RULES, known, "bs.zip").problems]


def test_pictures_that_decode_in_the_season_s_time_are_all_looked_at(
    data: Path, bundle: Bundle, decoded: list[str]
) -> None:
    assert not any("too long" in text for text in messages(data, bundle))
    assert len(decoded) == PICTURES


def test_data_that_would_keep_the_check_busy_for_longer_than_the_season_allows_is_an_error(
    data: Path, bundle: Bundle, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, seconds=700))
    (text,) = (text for text in messages(data, bundle) if "too long" in text)
    assert text.endswith("all would take 750 s")
    assert len(decoded) == 3


def test_time_is_bounded_where_the_season_names_none(
    data: Path, bundle: Bundle, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.RULES", replace(RULES, seconds=None))
    monkeypatch.setattr(parts, "LONGEST", 100)
    assert any("too long" in text for text in messages(data, bundle))
    assert len(decoded) == 3


def test_damaged_or_foreign_data_is_not_decoded_for_hours(data: Path, bundle: Bundle, decoded: list[str]) -> None:
    assert any("too long" in text for text in messages(data, bundle, KnownSet("test", images=1)))
    assert len(decoded) == 3
    decoded.clear()
    DAMAGED.add("p1")
    assert "CorruptPayload: p1" in messages(data, bundle)
    assert len(decoded) == 3


@pytest.fixture
def decoder(dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked decoder that is not started."""
    monkeypatch.setattr(check_code, "_start_problems", lambda *_: [])
    unpack(dist / "decoder.zip", tmp_path / "decoder", MAX_UNPACKED)
    return tmp_path / "decoder"


def test_sources_of_many_megabytes_are_not_parsed(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_code, "MAX_SOURCES", 10**6)
    monkeypatch.setattr(check_code, "_parsed", lambda _: pytest.fail("parsed"))
    (decoder / "large.py").write_bytes(b"#" * 10**6)
    (problem,) = code_problems(decoder, RULES, frozenset(), "decoder.zip")
    assert "bytes of Python sources; 1000000 are looked at" in problem.message


def test_thousands_of_modules_that_are_not_there_are_no_thousands_of_problems(decoder: Path) -> None:
    (decoder / "many.py").write_text("".join(f"import none{number}\n" for number in range(2000)))
    assert len(code_problems(decoder, RULES, frozenset(), "decoder.zip")) == check_code.SHOWN
