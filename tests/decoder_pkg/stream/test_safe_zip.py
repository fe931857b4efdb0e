"""One attack by zip each, and the named error that meets it."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from decoder_pkg.errors import DamagedZip, DoubledMember, FormatError, MissingInput, SpecialMember, UnsafePath, ZipBomb
from decoder_pkg.stream.safe_zip import MAX_MEMBERS, member_faults, open_zip, read_member, unpack

LIMIT = 10**6
Members = list[tuple[ZipInfo | str, bytes]]


def write(path: Path, members: Members, compression: int = ZIP_STORED) -> Path:
    with warnings.catch_warnings(), ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(name, data)
    return path


def refused(path: Path, error: type[FormatError], match: str = ".") -> None:
    """Unpacking ends in this error and has written nothing."""
    folder = path.parent / "inner" / "out"
    folder.mkdir(parents=True)
    with pytest.raises(error, match=match):
        unpack(path, folder, LIMIT)
    assert [file for file in path.parent.rglob("*") if file.is_file()] == [path]


def info(name: str, mode: int = 0o644 | stat.S_IFREG) -> ZipInfo:
    member = ZipInfo(name)
    member.external_attr = mode << 16
    return member


def test_honest_zip_keeps_content_and_permissions(tmp_path: Path) -> None:
    members: Members = [(info("decode", stat.S_IFREG | 0o755), b"#!"), (info("a/b"), bytes(5000)), ("c/", b"")]
    unpack(write(tmp_path / "a.zip", members, ZIP_DEFLATED), tmp_path / "out", LIMIT)
    assert (tmp_path / "out/decode").read_bytes() == b"#!"
    assert (tmp_path / "out/decode").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/a/b").read_bytes() == bytes(5000)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/..", "./x", "a//x", "/etc/x", "/", "//x"])
def test_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    refused(write(tmp_path / "a.zip", [(info(name), b"x")]), UnsafePath)


@pytest.mark.parametrize("name", ["a\\..\\x", "C:x", "a\nb", "a\x1b[2J", "x" * 256])
def test_path_that_means_another_thing_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    refused(write(tmp_path / "a.zip", [(info(name), b"x")]), UnsafePath)


@pytest.mark.parametrize("other", ["../x", "/etc/x", "y"])
def test_second_name_that_later_pythons_would_take_is_refused(tmp_path: Path, other: str) -> None:
    member = info("x")
    field = struct.pack("<BL", 1, zlib.crc32(b"x")) + other.encode()
    member.extra = struct.pack("<HHB", 0x5455, 1, 0) + struct.pack("<HH", 0x7075, len(field)) + field
    refused(write(tmp_path / "a.zip", [(member, b"x")]), UnsafePath)


@pytest.mark.parametrize("place", [0, 6])
def test_name_cut_by_a_null_byte_is_refused_and_told(tmp_path: Path, place: int) -> None:
    """Python before 3.12 asks an empty name for its last character."""
    path = write(tmp_path / "a.zip", [(info("decodeX.txt"), b"x")])
    cut = bytearray(b"decodeX")
    cut[place] = 0
    path.write_bytes(path.read_bytes().replace(b"decodeX", bytes(cut)))
    refused(path, UnsafePath)
    with ZipFile(path) as archive:
        assert UnsafePath in list(map(type, member_faults(archive, 100)))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("a/b/c", "a/B"), ("a", "a/"), ("A/", "a")])
def test_two_members_for_one_path_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    members: Members = [(name, b"") if name.endswith("/") else (info(name), b"x") for name in names]
    refused(write(tmp_path / "a.zip", members), DoubledMember)


def test_entries_for_folders_are_no_second_members(tmp_path: Path) -> None:
    """As `zip -r` writes them, before or after what they hold."""
    members: Members = [("a/", b""), ("a/b/", b""), (info("a/b/c"), b"x"), (info("d/e"), b"y"), ("d/", b"")]
    unpack(write(tmp_path / "a.zip", members), tmp_path / "out", LIMIT)
    assert (tmp_path / "out/a/b/c").read_bytes() == b"x"
    assert (tmp_path / "out/d/e").read_bytes() == b"y"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR])
def test_link_or_device_is_refused(tmp_path: Path, kind: int) -> None:
    refused(write(tmp_path / "a.zip", [(info("link", kind | 0o777), b"/etc/passwd")]), SpecialMember)


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", [(info("a"), b"x")])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    refused(path, SpecialMember, "encrypted")


def test_rare_compression_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.zip", [("a", b"x")], ZIP_BZIP2), SpecialMember)


def test_bomb_of_zeros_is_refused(tmp_path: Path) -> None:
    member = info("a")
    member.compress_type = ZIP_DEFLATED
    refused(write(tmp_path / "a.zip", [(member, bytes(LIMIT // 2))]), ZipBomb)


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.zip", [("a", bytes(LIMIT)), ("b", b"x")]), ZipBomb)


def test_bomb_of_many_members_is_refused_before_its_directory_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", [(f"{n:05}", b"") for n in range(MAX_MEMBERS + 1)])
    refused(path, ZipBomb, "members")


def test_directory_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", [("a", b"x")])
    data = bytearray(path.read_bytes())
    data[-10:-6] = struct.pack("<I", 2**31)
    path.write_bytes(data)
    refused(path, ZipBomb, "directory")


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """The better zip bomb: many entries of the directory point to one compressed file."""
    path = write(tmp_path / "a.zip", [(f"{n:02}", bytes(range(256)) * 4) for n in range(9)])
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    first = data[: data.index(b"PK\x03\x04", 4)]
    shared = bytearray(data[start:end])
    for position in range(0, len(shared), len(shared) // 9):
        shared[position + 42 : position + 46] = bytes(4)
    tail = bytearray(data[end:])
    tail[16:20] = struct.pack("<I", len(first))
    path.write_bytes(first + shared + tail)
    refused(path, ZipBomb, "overlap")


def test_announced_size_is_never_exceeded(tmp_path: Path) -> None:
    """The directory lies about the size of a member: what is read is an error, not more memory."""
    member = info("a")
    member.compress_type = ZIP_DEFLATED
    path = write(tmp_path / "a.zip", [(member, bytes(10**5))])
    data = bytearray(path.read_bytes())
    position = data.index(b"PK\x01\x02") + 24
    data[position : position + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    refused_when_read(path)


def refused_when_read(path: Path) -> None:
    with open_zip(path) as archive, pytest.raises(DamagedZip):
        read_member(archive, archive.infolist()[0])


def test_zip64_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    plain = write(path, [("a", b"x")]).read_bytes()
    locator = b"PK\x06\x07" + bytes(16)
    path.write_bytes(plain[:-22] + locator + plain[-22:])
    refused(path, DamagedZip, "ZIP64")


def test_comment_that_could_hide_a_second_directory_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = b"PK\x05\x06" + bytes(18)
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    (tmp_path / "b.zip").write_bytes(buffer.getvalue()[:-22])
    for name in ("a.zip", "b.zip"):
        with pytest.raises(FormatError):
            unpack(tmp_path / name, tmp_path / "out", LIMIT)


def test_every_cut_and_every_flipped_byte_is_a_named_error_or_harmless(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", [("images.clc", b"some bytes"), ("b", b"more")])
    honest = path.read_bytes()
    for length in range(len(honest)):
        path.write_bytes(honest[:length])
        with pytest.raises(FormatError):
            unpack(path, tmp_path / "out", LIMIT)
    for position in range(len(honest)):
        path.write_bytes(honest[:position] + bytes([honest[position] ^ 0xFF]) + honest[position + 1 :])
        try:
            with open_zip(path) as archive:
                contents = [read_member(archive, member) for member in archive.infolist()]
        except FormatError:
            continue
        assert set(contents) <= {b"some bytes", b"more"}


def test_folder_or_nothing_in_place_of_a_zip_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.zip"):
        with pytest.raises(MissingInput), open_zip(path):
            pass


def test_foreign_file_is_no_zip(tmp_path: Path) -> None:
    assert not zipfile.is_zipfile(__file__)
    with pytest.raises(DamagedZip), open_zip(Path(__file__)):
        pass
