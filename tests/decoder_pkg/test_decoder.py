from __future__ import annotations

import os
import resource
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decoder_pkg.codecs import LATENTS, CodingSetting
from decoder_pkg.commands import DATA_ZIP, ZIP_MEMBER, decode_paths, decode_server, read_stream
from decoder_pkg.decoder import decode_archive, decode_entry
from decoder_pkg.errors import (
    CannotWrite,
    CorruptPayload,
    DamagedZip,
    FormatError,
    LimitExceeded,
    MissingInput,
    NotAnArchive,
    PayloadChecksum,
    PayloadError,
    WrongBundle,
    ZipBomb,
)
from decoder_pkg.gains import GAIN_COUNT, GainField
from decoder_pkg.payload import checksum, decode_integers
from decoder_pkg.pixels import render as rendering
from decoder_pkg.pixels.filters.interface import FilterChain, FilterLink
from decoder_pkg.pixels.filters.linear import LinearFilter, LinearParameters
from decoder_pkg.pixels.render import assemble
from decoder_pkg.stream.container import read_archive, write_archive
from encoder.candidates import pack_archive
from encoder.models import Zoo
from tests.golden.make import STREAM
from tests.paths import GOLDEN, ROOT
from tests.streams import archive_of, damaged, with_header


def test_one_damaged_payload_costs_one_picture(golden_zoo: Zoo, golden_stream: bytes) -> None:
    results = list(decode_archive(golden_zoo.bundle, read_archive(damaged(golden_stream, len(golden_stream) - 1))))
    assert [r.error is None for r in results] == [True, True, True, False]
    assert isinstance(results[-1].error, PayloadChecksum)


def test_stream_of_another_bundle_is_refused(golden_zoo: Zoo, golden_stream: bytes) -> None:
    archive = read_archive(golden_stream)
    foreign = write_archive(bytes(8), archive.entries)
    with pytest.raises(WrongBundle):
        list(decode_archive(golden_zoo.bundle, read_archive(foreign)))


@pytest.mark.parametrize(
    ("changes", "named"), [({"model": 9}, "model 9"), ({"records": 2}, "filter 0"), ({"records": 256}, "filter 7")]
)
def test_unknown_model_or_filter_is_named(
    golden_zoo: Zoo, golden_stream: bytes, changes: dict[str, int], named: str
) -> None:
    entry = with_header(read_archive(golden_stream).entries[0], **changes)
    with pytest.raises(CorruptPayload, match=named):
        decode_entry(golden_zoo.bundle, entry)


@pytest.mark.parametrize("changes", [{"model": 9}, {"records": 2}])
def test_stream_of_models_or_filters_that_the_bundle_lacks_is_refused(
    golden_zoo: Zoo, golden_stream: bytes, changes: dict[str, int]
) -> None:
    archive = read_archive(golden_stream)
    first, *others = archive.entries
    foreign = write_archive(archive.bundle_id, [with_header(first, **changes), *others])
    with pytest.raises(WrongBundle, match="which this decoder lacks"):
        list(decode_archive(golden_zoo.bundle, read_archive(foreign)))


def test_wrong_size_is_not_taken_for_the_picture(golden_zoo: Zoo, golden_stream: bytes) -> None:
    entry = read_archive(golden_stream).entries[0]
    with pytest.raises(PayloadError):
        decode_integers(golden_zoo.bundle, with_header(entry, width=16, height=16))


@pytest.mark.parametrize("change", ["cut", "padded", "flipped"])
def test_changed_payload_in_a_signed_archive_is_refused(golden_zoo: Zoo, golden_stream: bytes, change: str) -> None:
    entry = read_archive(golden_stream).entries[0]
    for position in range(0, len(entry.payload), 7):
        payload = {
            "cut": entry.payload[:position],
            "padded": entry.payload + bytes(position + 1),
            "flipped": damaged(entry.payload, position),
        }[change]
        forged = replace(with_header(entry, length=len(payload)), payload=payload)
        (result,) = decode_archive(golden_zoo.bundle, archive_of(golden_zoo.bundle, forged))
        assert isinstance(result.error, PayloadError)


@pytest.mark.parametrize("mapped", [False, True], ids=["one gain", "gain map"])
@pytest.mark.parametrize("filtered", [False, True], ids=["plain", "filtered"])
def test_tiles_do_not_show(filtered_zoo: Zoo, monkeypatch: pytest.MonkeyPatch, filtered: bool, mapped: bool) -> None:
    codec, post_filter = filtered_zoo.models[7].decoder.codec, filtered_zoo.bundle.filters[0].filter
    assert isinstance(post_filter, LinearFilter)
    rng, cells = np.random.default_rng(1), (8, 5)
    latents = rng.integers(-800, 800, (29, 19, 16)).astype(np.int32)
    gain = GainField(24, rng.integers(0, GAIN_COUNT, cells).astype(np.int32) if mapped else None)
    coefficients = rng.integers(-9, 10, len(post_filter.basis)).astype(np.int32)
    chain = FilterChain({0: FilterLink(post_filter, LinearParameters(30, coefficients, 24))} if filtered else {})

    def rendered() -> np.ndarray:
        tiles = codec.synthesise({LATENTS: latents}, CodingSetting(gain, 128), chain.reach)
        return assemble(tiles, 29 * 16 - 5, 19 * 16 - 9, chain)

    whole = rendered()
    monkeypatch.setattr(rendering, "TILE", 8)
    tiled = rendered()
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def write_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "members",
    [{}, {"other": b"x"}, {ZIP_MEMBER: b"x", "more": b"y"}],
    ids=["empty", "other", "more"],
)
def test_zip_with_other_content_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    write_zip(tmp_path / DATA_ZIP, members)
    with pytest.raises(NotAnArchive):
        read_stream(tmp_path / DATA_ZIP)


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: bytes(10**7)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ZipBomb):
        read_stream(tmp_path / DATA_ZIP)


def test_damaged_zip_is_refused(tmp_path: Path, golden_stream: bytes) -> None:
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: golden_stream})
    data = (tmp_path / DATA_ZIP).read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / DATA_ZIP).write_bytes(data[:length])
        with pytest.raises(DamagedZip):
            read_stream(tmp_path / DATA_ZIP)


def test_damage_that_no_picture_shows_is_told_all_the_same(
    golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture's own checksum has 16 bits; that of the zip covers everything."""
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: golden_stream})
    data = bytearray((tmp_path / DATA_ZIP).read_bytes())
    with zipfile.ZipFile(tmp_path / DATA_ZIP) as archive:
        checksum = archive.infolist()[0].CRC.to_bytes(4, "little")
    at = data.rindex(checksum)
    data[at] ^= 1
    (tmp_path / DATA_ZIP).write_bytes(data)
    assert decode_server(golden_zoo.bundle, tmp_path) == 1
    assert "DamagedZip" in capsys.readouterr().err
    assert len(list((tmp_path / "images").iterdir())) == 4


@pytest.mark.parametrize("position", [0, 20, 28])
def test_member_that_lies_elsewhere_is_refused(tmp_path: Path, golden_stream: bytes, position: int) -> None:
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: golden_stream})
    (tmp_path / DATA_ZIP).write_bytes(damaged((tmp_path / DATA_ZIP).read_bytes(), position))
    if position == 20:  # a size that only the directory tells
        assert read_stream(tmp_path / DATA_ZIP).damage is None
        return
    with pytest.raises(FormatError):
        read_stream(tmp_path / DATA_ZIP)


def test_output_that_cannot_be_a_folder_is_named(golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams/a.clc").write_bytes(golden_stream)
    with pytest.raises(CannotWrite):
        decode_paths(golden_zoo.bundle, tmp_path / "streams", tmp_path / "file")


def test_picture_that_cannot_be_written_costs_itself_alone(
    golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: golden_stream})
    (tmp_path / "images/astronaut.png").mkdir(parents=True)
    assert decode_server(golden_zoo.bundle, tmp_path) == 1
    assert "astronaut: CannotWrite" in capsys.readouterr().err
    assert sorted(path.stem for path in (tmp_path / "images").iterdir() if path.is_file()) == [
        "chelsea",
        "coffee",
        "rocket",
    ]


def test_name_that_the_terminal_lacks_does_not_stop_the_others(golden_stream: bytes, tmp_path: Path) -> None:
    first, *others = read_archive(golden_stream).entries
    data = write_archive(read_archive(golden_stream).bundle_id, [replace(first, name="写真"), *others])
    (tmp_path / "set.clc").write_bytes(data)
    command = [sys.executable, "-m", "decoder_pkg", str(tmp_path / "set.clc"), "-o", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    subprocess.run([*command, "--weights", str(GOLDEN / "decoder")], check=True, env=environment, cwd=ROOT)
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_padded_payload_is_refused_even_with_its_checksum(golden_zoo: Zoo, golden_stream: bytes) -> None:
    entry = read_archive(golden_stream).entries[0]
    integers = decode_integers(golden_zoo.bundle, entry).integers
    for tail in (bytes(1), bytes(10**7)):
        payload = entry.payload + tail
        forged = replace(with_header(entry, length=len(payload), checksum=checksum(payload, integers)), payload=payload)
        (result,) = decode_archive(golden_zoo.bundle, archive_of(golden_zoo.bundle, forged))
        assert isinstance(result.error, CorruptPayload)
    with pytest.raises(LimitExceeded, match="a payload of"):
        pack_archive(golden_zoo.bundle, [forged])


def test_missing_data_is_named(golden_zoo: Zoo, tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        decode_server(golden_zoo.bundle, tmp_path)


def test_server_call_writes_every_picture(golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path) -> None:
    write_zip(tmp_path / DATA_ZIP, {ZIP_MEMBER: golden_stream})
    assert decode_server(golden_zoo.bundle, tmp_path) == 0
    written = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert written == ["astronaut.png", "chelsea.png", "coffee.png", "rocket.png"]


@pytest.mark.parametrize("names", [(), ("bs.zip", "valout.zip")])
def test_no_data_or_two_kinds_of_it_are_refused(golden_zoo: Zoo, tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        write_zip(tmp_path / name, {ZIP_MEMBER: b""})
    with pytest.raises(MissingInput, match="exactly one"):
        decode_server(golden_zoo.bundle, tmp_path)


def test_longest_name_can_be_written(golden_zoo: Zoo, golden_stream: bytes, tmp_path: Path) -> None:
    entry = replace(read_archive(golden_stream).entries[2], name="x" * 200)
    write_zip(tmp_path / "valout.zip", {ZIP_MEMBER: pack_archive(golden_zoo.bundle, [entry])})
    assert decode_server(golden_zoo.bundle, tmp_path) == 0
    assert [path.stem for path in (tmp_path / "images").iterdir()] == ["x" * 200]


def test_output_that_cannot_be_written_is_named_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    command = [sys.executable, "-m", "decoder_pkg", str(GOLDEN / STREAM), "-o", str(tmp_path / "out")]
    command += ["--weights", str(GOLDEN / "decoder")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=GOLDEN.parents[1], preexec_fn=limited)
    assert result.returncode == 1
    assert "CannotWrite" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out/astronaut.png").exists()
    assert not list((tmp_path / "out").glob(".*"))
