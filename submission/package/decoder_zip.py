"""decoder.zip: the decoder package, its weights and the range coder, ready to run with torch, numpy and Pillow."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import decoder_pkg
from decoder_pkg.errors import DecoderError
from decoder_pkg.models import MANIFEST, WEIGHTS, Bundle, load_bundle, read_manifest
from decoder_pkg.stream import unpack
from eval.machine import UNKNOWN

from ..seasons import MAX_UNPACKED
from .zips import build_zip

PACKAGE = Path(decoder_pkg.__file__).parent
WHEELS = Path(".cache/wheels")
WHEEL_LIST = Path(__file__).parent / "wheels.txt"
DECODER_ZIP = "decoder.zip"
ENTRY = "decode"
VENDOR = "vendor"
PACKED_WEIGHTS = "decoder_pkg/weights"
ENTRY_SCRIPT = """#!/usr/bin/env python3
import os
import sys
from pathlib import Path

folder = Path(__file__).resolve().parent
sys.path[:0] = [str(folder), str(folder / "vendor")]

from decoder_pkg.command_line import ending_at_once

with ending_at_once():
    from decoder_pkg.server import main

code = main()
sys.stdout.flush()
os._exit(code)  # without taking torch apart, which would need half a second
"""


class BuildError(Exception):
    """A part of the package is missing or is not what it should be."""


@dataclass(frozen=True)
class DecoderZip:
    """The package and the compressed size of each of its parts."""

    data: bytes
    part_bytes: dict[str, int]

    @property
    def sha256(self) -> str:
        """Digest that the competition compares between its phases."""
        return hashlib.sha256(self.data).hexdigest()


def build_decoder_zip(weights: Path = WEIGHTS, wheels: Path = WHEELS) -> DecoderZip:
    """Builds the package from the source tree, a weights folder and the range coder's wheels.

    Raises:
      BuildError: a wheel is missing or has another sha256 than the list says.
    """
    members = {ENTRY: ENTRY_SCRIPT.encode()}
    modules = PACKAGE.rglob("*.py")
    members |= {f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in modules}
    files = [MANIFEST, *read_manifest(weights).files]
    members |= {f"{PACKED_WEIGHTS}/{name}": (weights / name).read_bytes() for name in files}
    members |= vendored(wheels)
    data = build_zip(members, executable=frozenset({ENTRY}))
    return DecoderZip(data, _part_sizes(data))


def bundle_sha256(decoder_zip: Path) -> str:
    """The models' sha256 of a decoder package; a package of another make has none that can be told."""
    try:
        return packed_bundle(decoder_zip).digest.hex()
    except DecoderError:
        return UNKNOWN


def packed_bundle(decoder_zip: Path) -> Bundle:
    """The models of a decoder package.

    Raises:
      DecoderError: it is damaged, or of another make.
    """
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        unpack(decoder_zip, Path(name), MAX_UNPACKED)
        return load_bundle(Path(name) / PACKED_WEIGHTS)


def vendored(wheels: Path) -> dict[str, bytes]:
    """Files of the wheels in one folder, by path: the extension modules differ in name by Python version.

    Raises:
      BuildError: a wheel is missing or has another sha256 than the list says.
    """
    members: dict[str, bytes] = {}
    for line in WHEEL_LIST.read_text().splitlines():
        digest, name = line.split()
        path = wheels / name
        if not path.is_file():
            raise BuildError(f"{path} is missing: run `make wheels`")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise BuildError(f"{path} is not the wheel that {WHEEL_LIST.name} names: delete it and run `make wheels`")
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.namelist():
                if not member.endswith("/RECORD") and not member.endswith("/WHEEL"):
                    members.setdefault(f"{VENDOR}/{member}", wheel.read(member))
    return members


def _part_sizes(data: bytes) -> dict[str, int]:

    sizes: dict[str, int] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            part = "code"
            if info.filename.startswith(VENDOR):
                part = "range coder"
            elif "/weights/" in info.filename:
                part = Path(info.filename).name
            sizes[part] = sizes.get(part, 0) + info.compress_size
    sizes["zip structure"] = len(data) - sum(sizes.values())
    return sizes
