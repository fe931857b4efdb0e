"""What the command lines do: find streams, decode them, report."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_STORED

from .decoder import Decoded, decode_archive, write_png
from .errors import CannotWrite, DamagedZip, DecoderError, LimitExceeded, MissingInput, NotAnArchive
from .models import Bundle
from .stream import Archive, checked_members, open_zip, read_archive, read_stored

STREAM_SUFFIX = ".clc"
PICTURE_SUFFIX = ".png"
DATA_ZIP = "bs.zip"
DATA_ZIPS = (DATA_ZIP, "valout.zip")
"""Names under which the seasons' servers laid the data beside the decoder."""

ZIP_MEMBER = "images.clc"
MAX_STREAM_BYTES = 2**28
SERVER_FOLDER = Path("images")


@dataclass(frozen=True)
class Stream:
    """A container that was read.

    Attributes:
      archive: what it holds.
      damage: what the zip around it says against it. Its pictures have checksums of their own: most can be decoded.
    """

    archive: Archive
    damage: DamagedZip | None = None


def read_stream(path: Path) -> Stream:
    """Reads a container, from a .clc file or from the one stored member of a zip.

    Raises:
      MissingInput: there is no such file, or it cannot be read.
      FormatError: the container or the zip is damaged or unsafe, or the zip does not hold exactly the one member.
      LimitExceeded: the container is larger than FORMAT.md allows.
    """
    if not path.is_file():
        raise MissingInput(f"{path} is not a file")
    if path.stat().st_size > MAX_STREAM_BYTES:
        raise LimitExceeded(f"{path} has more than {MAX_STREAM_BYTES} bytes")
    if path.suffix.lower() == ".zip":
        return _read_zip(path)
    try:
        return Stream(read_archive(path.read_bytes()))
    except OSError as error:
        raise MissingInput(f"{path} cannot be read: {error.strerror or error}") from None


def _read_zip(path: Path) -> Stream:
    with open_zip(path) as archive:
        members = checked_members(archive, MAX_STREAM_BYTES)
        if [member.filename for member in members] != [ZIP_MEMBER]:
            raise NotAnArchive(f"{path} must hold {ZIP_MEMBER} and nothing else")
        if members[0].compress_type != ZIP_STORED:
            raise NotAnArchive(f"{ZIP_MEMBER} must be stored in the zip without compression")
        data, damage = read_stored(path, members[0])
    return Stream(read_archive(data), damage)


def decode_paths(bundle: Bundle, source: Path, output: Path) -> int:
    """Decodes a stream or a folder of streams; returns the number of failures, each reported on stderr.

    Raises:
      DecoderError: `source` is one stream that cannot be read at all, or the output would lie among what is read.
    """
    folder = source if source.is_dir() else source.parent
    if _same(output, source) or _same(output, folder):
        raise CannotWrite(f"{output} is where {source} lies, whose pictures may be there too: give another output")
    if not source.is_dir():
        return _decode_stream(bundle, read_stream(source), output)
    streams = sorted(path for path in source.iterdir() if path.suffix.lower() == STREAM_SUFFIX)
    if not streams:
        raise MissingInput(f"{source} holds no {STREAM_SUFFIX} files")
    if len({stream.stem for stream in streams}) < len(streams):
        raise MissingInput(f"{source} holds streams that differ in their suffix's case alone: rename them")
    failures = 0
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{output} cannot be a folder: {error.strerror or error}") from None
    for stream in streams:
        try:
            failures += _decode_stream(bundle, read_stream(stream), output / f"{stream.stem}.png")
        except DecoderError as error:
            _report(stream.name, error)
            failures += 1
    return failures


def _same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def decode_server(bundle: Bundle, folder: Path) -> int:
    """The competition's call: the data in the working folder to images/*.png there; returns the number of failures.

    Raises:
      DecoderError: the data cannot be read at all.
    """
    found = [name for name in DATA_ZIPS if (folder / name).exists()]
    if len(found) != 1:
        raise MissingInput(f"{folder} holds {' and '.join(found) or 'no data'}: exactly one of {DATA_ZIPS} is needed")
    return _decode_stream(bundle, read_stream(folder / found[0]), folder / SERVER_FOLDER)


def _decode_stream(bundle: Bundle, stream: Stream, output: Path) -> int:
    single = output.suffix.lower() == PICTURE_SUFFIX and not output.is_dir()
    entries = stream.archive.entries
    if single and len(entries) > 1:
        raise MissingInput(f"the stream holds {len(entries)} pictures: give a folder as output, not {output.name}")
    for number in bundle.models.keys() & {entry.header.model for entry in entries}:
        bundle.models[number].codec.build()
    failures, start = 0, time.monotonic()
    for decoded in decode_archive(bundle, stream.archive):
        written = _write(decoded, output if single else output / f"{decoded.name}.png")
        failures += written is None
        if written is not None:
            print(f"{decoded.name}: {written}, {time.monotonic() - start:.3f} s", flush=True)
        start = time.monotonic()
    if stream.damage:
        which = "see above" if failures else "no picture's own checksum tells which: any of them may be wrong"
        print(f"{type(stream.damage).__name__}: {stream.damage}: {which}", file=sys.stderr, flush=True)
    return failures or int(stream.damage is not None)


def _write(decoded: Decoded, path: Path) -> str | None:
    """Writes a picture and returns its size; reports one that was not decoded or written and returns None."""
    error = decoded.error
    if decoded.pixels is not None:
        try:
            write_png(path, decoded.pixels)
        except CannotWrite as failure:
            error = failure
        else:
            height, width = decoded.pixels.shape[:2]
            return f"{width}x{height}"
    assert error is not None
    _report(decoded.name, error)
    return None


def _report(name: str, error: DecoderError) -> None:
    print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
