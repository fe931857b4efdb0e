"""What `check` must find in a decoder package and in one target's data."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from decoder_pkg.commands import ZIP_MEMBER, read_stream
from decoder_pkg.stream import write_archive
from decoder_pkg.weight_files import read_weights
from submission.package.zips import build_zip
from submission.seasons import KnownSet, season
from tests.paths import GOLDEN
from tests.submission.check.damage import RULES, members, messages, repack, rewrite

pytestmark = pytest.mark.usefixtures("not_started")


def test_unknown_limit_is_told(dist: Path) -> None:
    assert any("limit of 2025 is not known" in text for text in messages(dist, season(2025)))


def test_decoder_over_the_limit_is_an_error(dist: Path) -> None:
    found = messages(dist, replace(RULES, decoder_limit=1000))
    assert any(text.startswith("error: decoder.zip: takes") for text in found)


def test_entry_point_that_cannot_run_is_an_error(copy: Path) -> None:
    rewrite(copy / "decoder.zip", {"decode": b"print(1)"}, executable="none")
    found = "\n".join(messages(copy))
    assert "not executable" in found
    assert "neither a script" in found


def test_damaged_or_missing_weights_are_an_error(copy: Path) -> None:
    name = "decoder_pkg/weights/smoke.safetensors"
    data = members(copy / "decoder.zip")[name]
    for changed in (data[:-1], None):
        rewrite(copy / "decoder.zip", {name: changed})
        assert any("WeightsError" in text for text in messages(copy))


def test_weights_that_fit_their_digest_and_nothing_else_are_an_error(copy: Path) -> None:
    file = read_weights((GOLDEN / "decoder/smoke.safetensors").read_bytes())
    tensors = file.tensors | {"gaussian.support": np.full(64, -5, np.int32)}
    weights = save(tensors, file.metadata)
    row = {"id": 7, "file": "smoke.safetensors", "sha256": hashlib.sha256(weights).hexdigest()}
    manifest = json.dumps({"models": [row], "filters": []}).encode()
    changes = {"smoke.safetensors": weights, "manifest.json": manifest}
    rewrite(copy / "decoder.zip", {f"decoder_pkg/weights/{name}": data for name, data in changes.items()})
    assert any("WeightsError: the coding tables" in message for message in messages(copy))


def test_decoder_other_than_the_frozen_one_is_an_error(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = copy / "lock.json"
    monkeypatch.setattr("submission.check.parts.LOCK", lock)
    lock.write_text(json.dumps({"sha256": "0" * 64, "members": {}}))
    assert any("not that of the frozen decoder" in text for text in messages(copy))


def test_bomb_in_a_decoder_is_named(copy: Path) -> None:
    with zipfile.ZipFile(copy / "decoder.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(100):
            archive.writestr(f"decoder_pkg/{number}", bytes(10**7))
    assert any("ZipBomb" in text for text in messages(copy))


def test_link_in_a_decoder_is_named(copy: Path) -> None:
    with zipfile.ZipFile(copy / "decoder.zip", "a") as archive:
        link = zipfile.ZipInfo("images")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
    assert any("SpecialMember" in text for text in messages(copy))


def test_data_of_other_weights_is_an_error(copy: Path) -> None:
    archive = read_stream(copy / "0.3/bs.zip").archive
    (copy / "0.3/bs.zip").write_bytes(build_zip({ZIP_MEMBER: write_archive(bytes(8), archive.entries)}))
    assert any("WrongBundle" in text for text in messages(copy))


def test_model_that_the_decoder_lacks_is_an_error(copy: Path) -> None:
    archive = read_stream(copy / "0.3/bs.zip").archive
    entry = archive.entries[0]
    forged = replace(entry, header=replace(entry.header, model=99))
    data = write_archive(archive.bundle_id, [forged, *archive.entries[1:]])
    (copy / "0.3/bs.zip").write_bytes(build_zip({ZIP_MEMBER: data}))
    assert "error: 0.3/bs.zip: WrongBundle: the stream names model 99, which this decoder lacks" in messages(copy)


def test_filter_that_the_decoder_lacks_is_an_error(copy: Path) -> None:
    archive = read_stream(copy / "0.3/bs.zip").archive
    filtered = [replace(entry, header=replace(entry.header, records=0b10)) for entry in archive.entries]
    repack(copy / "0.3/bs.zip", filtered)
    found = [text for text in messages(copy) if text.startswith("error")]
    assert found == ["error: 0.3/bs.zip: WrongBundle: the stream names post-filter 0, which this decoder lacks"]


def test_damaged_payload_is_an_error_that_names_its_picture(copy: Path) -> None:
    one, two = read_stream(copy / "0.3/bs.zip").archive.entries
    damaged = bytes([two.payload[0] ^ 1]) + two.payload[1:]
    repack(copy / "0.3/bs.zip", [one, replace(two, payload=damaged)])
    (text,) = [text for text in messages(copy) if text.startswith("error")]
    assert re.match(r"error: 0\.3/bs\.zip: (PayloadChecksum|CorruptPayload): two: ", text)


def test_different_pictures_at_the_targets_are_an_error(copy: Path) -> None:
    one, two = read_stream(copy / "0.3/bs.zip").archive.entries
    repack(copy / "0.3/bs.zip", [one, replace(two, name="other")])
    assert {
        "error: 0.3/bs.zip: has no picture for these of 0.15/bs.zip: two",
        "error: 0.3/bs.zip: has pictures that are none of 0.15/bs.zip: other",
    } <= set(messages(copy))


def test_size_that_differs_between_targets_is_an_error(copy: Path) -> None:
    one, two = read_stream(copy / "0.3/bs.zip").archive.entries
    repack(copy / "0.3/bs.zip", [one, replace(two, header=replace(two.header, width=two.header.width - 1))])
    assert "error: 0.3/bs.zip: has pictures of another size than 0.15/bs.zip: two" in messages(copy)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("one,26000\ntwo,15939", None),
        ("one,26000\nthree,15939", "has no picture for these of the test set: three"),
        ("one,26000\nthree,15939", "has pictures that are none of the test set: two"),
        ("one,26000\ntwo,15940", "has pictures of another size than the test set: two"),
        ("\n".join(f"{n},1" for n in range(9)), "of the test set: 0, 1, 2, 3, 4 and 4 more"),
    ],
)
def test_pictures_are_compared_with_those_of_a_named_set(
    dist: Path, tmp_path: Path, line: str, text: str | None
) -> None:
    (tmp_path / "pixels.csv").write_text(f"image,pixels\n{line}\n")
    known = KnownSet("test", {"0.15": 10**4, "0.3": 10**4}, pictures=tmp_path / "pixels.csv")
    errors = [found for found in messages(dist, known=known) if found.startswith("error")]
    if text is None:
        assert not errors
    for target in ("0.15", "0.3"):
        assert text is None or any(found.startswith(f"error: {target}/") and text in found for found in errors)


def test_budget_is_kept_to_the_byte(dist: Path) -> None:
    size = (dist / "0.3/bs.zip").stat().st_size
    for budget, over in ((size, False), (size - 1, True)):
        found = messages(dist, known=KnownSet("test", {"0.3": budget, "0.15": 10**6}))
        assert any("0.3/bs.zip: over the budget" in text for text in found) == over
        assert any("0.15/bs.zip: leaves much" in text for text in found)


def test_another_set_than_the_published_one_is_an_error(dist: Path) -> None:
    found = messages(dist, known=RULES.known_set("validation"))
    assert any("has 2 pictures; the validation set has 41" in text for text in found)
