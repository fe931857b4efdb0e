"""What the command lines do: find streams, decode them, report."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from .archive import read_archive
from .bundle import Bundle
from .decoder import Decoded, decode_archive, write_png
from .errors import DecoderError, LimitExceeded, MissingInput, NotAnArchive

STREAM_SUFFIX = ".clc"
DATA_ZIP = "bs.zip"
ZIP_MEMBER = "images.clc"
MAX_STREAM_BYTES = 2**30
SERVER_FOLDER = Path("images")


def read_stream(path: Path) -> bytes:
    """Bytes of a container, from a .clc file or from the one stored member of a zip.

    Raises:
      MissingInput: there is no such file.
      NotAnArchive: the zip does not hold exactly the one member.
      LimitExceeded: the container is larger than FORMAT.md allows.
    """
    if not path.is_file():
        raise MissingInput(f"{path} is not a file")
    if path.stat().st_size > MAX_STREAM_BYTES:
        raise LimitExceeded(f"{path} has more than {MAX_STREAM_BYTES} bytes")
    return _read_zip(path) if path.suffix == ".zip" else path.read_bytes()


def _read_zip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [ZIP_MEMBER]:
                raise NotAnArchive(f"{path} must hold {ZIP_MEMBER} and nothing else")
            if members[0].compress_type != zipfile.ZIP_STORED or members[0].file_size > path.stat().st_size:
                raise NotAnArchive(f"{ZIP_MEMBER} must be stored in the zip without compression")
            return archive.read(members[0])
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise NotAnArchive(f"{path} is damaged: {error}") from None


def decode_paths(bundle: Bundle, source: Path, output: Path, bf16: bool = False) -> int:
    """Decodes a stream or a folder of streams; returns the number of failures, each reported on stderr.

    Raises:
      DecoderError: `source` is one stream, and it cannot be read at all.
    """
    if not source.is_dir():
        return _decode_stream(bundle, read_stream(source), output, bf16)
    streams = sorted(source.glob(f"*{STREAM_SUFFIX}"))
    if not streams:
        raise MissingInput(f"{source} holds no {STREAM_SUFFIX} files")
    failures = 0
    output.mkdir(parents=True, exist_ok=True)
    for stream in streams:
        try:
            failures += _decode_stream(bundle, read_stream(stream), output / f"{stream.stem}.png", bf16)
        except DecoderError as error:
            _report(stream.name, error)
            failures += 1
    return failures


def decode_server(bundle: Bundle, folder: Path) -> int:
    """The competition's call: bs.zip in the working folder to images/*.png there; returns the number of failures."""
    return _decode_stream(bundle, read_stream(folder / DATA_ZIP), folder / SERVER_FOLDER, bf16=False)


def _decode_stream(bundle: Bundle, data: bytes, output: Path, bf16: bool) -> int:
    single = output.suffix == ".png"
    count = len(read_archive(data).entries)
    if single and count > 1:
        raise MissingInput(f"the stream holds {count} pictures: give a folder as output, not {output.name}")
    failures = 0
    for decoded in decode_archive(bundle, data, bf16):
        failures += not _write(decoded, output if single else output / f"{decoded.name}.png")
    return failures


def _write(decoded: Decoded, path: Path) -> bool:
    if decoded.pixels is None:
        assert decoded.error is not None
        _report(decoded.name, decoded.error)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, decoded.pixels)
    height, width = decoded.pixels.shape[:2]
    print(f"{decoded.name}: {width}x{height}", flush=True)
    return True


def _report(name: str, error: DecoderError) -> None:
    print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
