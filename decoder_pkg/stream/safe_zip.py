"""Zips from anywhere: the directory is judged before a byte of a member is unpacked. FORMAT.md lists the limits."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from ..errors import CannotWrite, DamagedZip, DoubledMember, MissingInput, SpecialMember, UnsafePath, UnsafeZip, ZipBomb

MAX_MEMBERS = 4096
MAX_DIRECTORY_BYTES = 2**20
MAX_PATH_BYTES = 255
MAX_RATIO = 64
"""Unpacked bytes for each byte of the zip: deflate alone would reach a thousand."""

PERMISSIONS = 0o777
PART_BYTES = 2**20

# The end record as APPNOTE.TXT 4.3.16 lays it out, without a comment, and the locator of a ZIP64 record (4.3.15).
_END, _END_BYTES = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_LOCATOR_BYTES = b"PK\x06\x07", 20
_ENCRYPTED = 0x1
_UNICODE_PATH = 0x7075

# A member's own header (4.3.7): its last two fields are the lengths of the name and of the extra field.
_LOCAL, _LOCAL_BYTES = b"PK\x03\x04", 30


@contextmanager
def open_zip(path: Path) -> Iterator[ZipFile]:
    """Opens a zip whose directory is small enough to be read.

    Raises:
      MissingInput: there is no such file.
      DamagedZip: it is no plain zip.
      ZipBomb: its directory is too large.
    """
    try:
        _check_end(path)
        archive = ZipFile(path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise DamagedZip(f"{path} is damaged: {error}") from None
    except OSError as error:
        raise MissingInput(f"{path} cannot be read: {error.strerror or error}") from None
    with archive:
        yield archive


def _check_end(path: Path) -> None:
    """Checks the record at the end, so that no large directory is ever read."""
    if not path.is_file():
        raise MissingInput(f"{path} is not a file")
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES - _ZIP64_LOCATOR_BYTES))
        tail = file.read(_END_BYTES + _ZIP64_LOCATOR_BYTES)
    end = tail[-_END_BYTES:]
    if len(end) < _END_BYTES or not end.startswith(_END) or end[-2:] != b"\0\0":
        raise DamagedZip(f"{path} is no zip, is cut, or has a comment at its end")
    if tail.startswith(_ZIP64_LOCATOR) and len(tail) == _END_BYTES + _ZIP64_LOCATOR_BYTES:
        raise DamagedZip(f"{path} is a ZIP64 file: pack it as a plain zip")
    members, directory, start = (int.from_bytes(end[a:b], "little") for a, b in ((10, 12), (12, 16), (16, 20)))
    if members > MAX_MEMBERS or directory > MAX_DIRECTORY_BYTES:
        raise ZipBomb(
            f"{path} has {members} members in a directory of {directory} bytes; "
            f"allowed are {MAX_MEMBERS} and {MAX_DIRECTORY_BYTES}"
        )
    if start + directory + _END_BYTES != path.stat().st_size:
        raise DamagedZip(f"{path} has a directory that does not lie right before its end")


def member_faults(archive: ZipFile, unpacked_bytes: int) -> Iterator[UnsafeZip]:
    """Everything in a directory that forbids to unpack it, one error for each.

    Args:
      archive: an open zip.
      unpacked_bytes: what all members together may take.
    """
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        yield ZipBomb(f"{len(members)} members; {MAX_MEMBERS} are allowed")
    for member in members:
        yield from _path_faults(member)
        yield from _kind_faults(member)
    yield from _doubled([member.filename.casefold() for member in members])
    assert archive.filename is not None
    size = Path(archive.filename).stat().st_size
    total, packed = (sum(getattr(member, name) for member in members) for name in ("file_size", "compress_size"))
    allowed = min(unpacked_bytes, MAX_RATIO * size)
    if total > allowed:
        yield ZipBomb(f"unpacks to {total} bytes; {allowed} are allowed")
    if packed > size:
        yield ZipBomb(f"members overlap: together they take {packed} of {size} bytes")


def _path_faults(member: ZipInfo) -> Iterator[UnsafePath]:
    name = member.orig_filename
    parts = name.removesuffix("/").split("/")
    if not name.isprintable() or "\\" in name or ":" in name or len(name.encode()) > MAX_PATH_BYTES:
        yield UnsafePath(f"{name!r} is too long, or has a backslash, a colon or an unprintable character")
    if {"", ".", ".."} & set(parts):
        yield UnsafePath(f"{name!r} is absolute or leads upwards")
    if member.filename != name or _has_second_name(member.extra):
        yield UnsafePath(f"{name!r} has a second name, which some programs would take")


def _has_second_name(extra: bytes) -> bool:
    """Whether there is a Unicode path field, as Python takes for the name from 3.12 on (APPNOTE.TXT, section 4.6.9)."""
    while len(extra) >= 4:
        field, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if field == _UNICODE_PATH:
            return True
        extra = extra[4 + size :]
    return False


def _kind_faults(member: ZipInfo) -> Iterator[SpecialMember]:
    kind = stat.S_IFMT(member.external_attr >> 16)
    # Not `is_dir`, which fails on an empty name before Python 3.12.
    if kind not in (0, stat.S_IFDIR if member.filename.endswith("/") else stat.S_IFREG):
        yield SpecialMember(f"{member.filename!r} is a link, a device or another thing that is no file")
    if member.flag_bits & _ENCRYPTED:
        yield SpecialMember(f"{member.filename!r} is encrypted")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        yield SpecialMember(f"{member.filename!r} is compressed by method {member.compress_type}, not deflate")


def _doubled(names: Sequence[str]) -> Iterator[DoubledMember]:
    """Paths that occur twice, and files that are also the folder of another member; folders end in a slash."""
    seen: set[str] = set()
    for name in names:
        path = name.removesuffix("/")
        if path in seen:
            yield DoubledMember(f"two members are named {path!r}, or differ in case alone")
        seen.add(path)
    files = {name for name in names if not name.endswith("/")}
    for path in sorted(seen):
        for parent in PurePosixPath(path).parents:
            if str(parent) in files:
                yield DoubledMember(f"{str(parent)!r} is a file and the folder of {path!r}")


def checked_members(archive: ZipFile, unpacked_bytes: int) -> list[ZipInfo]:
    """The directory, once it is known to be safe.

    Raises:
      UnsafeZip: the first of its faults.
    """
    for fault in member_faults(archive, unpacked_bytes):
        raise fault
    return archive.infolist()


def read_member(archive: ZipFile, member: ZipInfo) -> bytes:
    """Content of a member: never more than the directory announced.

    Raises:
      DamagedZip: it cannot be unpacked to exactly that.
    """
    buffer = io.BytesIO()
    _copy(archive, member, buffer)
    return buffer.getvalue()


def read_stored(path: Path, member: ZipInfo) -> tuple[bytes, DamagedZip | None]:
    """Content of a checked member that is stored, and what is wrong if its checksum differs.

    Raises:
      DamagedZip: the member does not lie where the directory says.
    """
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_BYTES)
        if not header.startswith(_LOCAL) or len(header) < _LOCAL_BYTES:
            raise DamagedZip(f"{member.filename!r} does not begin where the directory says")
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        file.seek(name + extra, os.SEEK_CUR)
        data = file.read(member.file_size)
    if len(data) != member.file_size or member.compress_size != member.file_size:
        raise DamagedZip(f"{member.filename!r} is cut: the directory says {member.file_size} bytes")
    damaged = zlib.crc32(data) != member.CRC
    return data, DamagedZip(f"{member.filename!r} is damaged (checksum differs)") if damaged else None


def _copy(archive: ZipFile, member: ZipInfo, target: IO[bytes]) -> None:
    count = 0
    for part in _parts(archive, member):
        target.write(part)
        count += len(part)
    if count != member.file_size:
        raise DamagedZip(f"{member.filename!r} has {count} bytes; the directory says {member.file_size}")


def _parts(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """The content in parts: errors of reading are the zip's, those of writing are not."""
    try:
        with archive.open(member) as file:
            while part := file.read(PART_BYTES):
                yield part
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DamagedZip(f"{member.filename!r} cannot be unpacked: {error}") from None


def unpack(path: Path, folder: Path, unpacked_bytes: int) -> None:
    """Unpacks a zip with its files' permissions.

    Raises:
      DecoderError: MissingInput, DamagedZip, UnsafeZip or CannotWrite, see `errors`.
    """
    with open_zip(path) as archive:
        for member in checked_members(archive, unpacked_bytes):
            try:
                _unpack_member(archive, member, folder / member.filename)
            except OSError as error:
                raise CannotWrite(f"{folder / member.filename} cannot be written: {error.strerror or error}") from None


def _unpack_member(archive: ZipFile, member: ZipInfo, target: Path) -> None:
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        _copy(archive, member, file)
    target.chmod(member.external_attr >> 16 & PERMISSIONS or 0o644)
