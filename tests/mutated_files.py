"""Files made of real ones by damage, each for the reader that people or servers will give it to."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import ExifTags, Image

from decoder_pkg.errors import DecoderError, WeightsError
from decoder_pkg.models import MANIFEST, WEIGHTS, Bundle, DecoderModel, load_bundle, read_manifest
from decoder_pkg.stream import unpack
from encoder.models import WEIGHTS as ENCODER_WEIGHTS
from encoder.models import read_encoder_manifest
from encoder.pictures import read_picture
from eval.metrics import PSNR
from eval.pictures import PictureError, picture_size
from eval.score import score_pairs
from rate_control.allocation.table import COLUMNS, TableError, load_table
from submission.check.parts import check_data
from submission.check.whole import check
from submission.seasons import season
from tests.mutations import scrambled
from tests.paths import GOLDEN
from tests.pngs import rechecked
from training.config import load_config
from training.settings import ConfigError

RULES = season(2021)
CROP = skimage.data.astronaut()[100:140, 200:250]
ODD = (
    "",
    "null",
    "true",
    "-1",
    "1e999",
    "nan",
    "9" * 400,
    "0x1",
    "1.5",
    "[]",
    "{}",
    '"x"',
    "''",
    "\0",
    "\ud7ff",
    "a\nb",
)
WORD = re.compile(rb"[^\s,:=\[\]{}\"']+")
LIMIT = 2**24
CONFIGS = Path(__file__).parents[1] / "training/configs"

Mutation = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Reader:
    """A way in for files of others.

    Attributes:
      seeds: real files, by the name that the reader expects.
      read: what is done with such a file.
      errors: all that may come of it.
      mutate: how it is damaged.
    """

    seeds: Callable[[], list[tuple[str, bytes]]]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    mutate: Mutation


def read_mutated(seed: int, number: int, folder: Path) -> str:
    """Gives one damaged file to its reader: the name of the reader and of its error, or `read`."""
    rng = random.Random(f"files/{seed}/{number}")
    name, reader = list(READERS.items())[number % len(READERS)]
    file, content = rng.choice(reader.seeds())
    path = folder / file
    path.write_bytes(reader.mutate(content, rng))
    try:
        reader.read(path)
    except reader.errors as error:
        return f"{name} {type(error).__name__}"
    finally:
        path.unlink()
    return f"{name} read"


def with_odd_words(data: bytes, rng: random.Random) -> bytes:
    """Puts odd values in place of words and numbers; a few times the bytes are scrambled instead."""
    if rng.random() < 0.2:
        return scrambled(data, rng)
    for _ in range(rng.randint(1, 3)):
        if words := list(WORD.finditer(data)):
            word = rng.choice(words)
            data = data[: word.start()] + rng.choice(ODD).encode() + data[word.end() :]
    return data


def scrambled_picture(data: bytes, rng: random.Random) -> bytes:
    """Scrambled bytes; in a PNG the checksums are made right again, half of the times."""
    data = scrambled(data, rng)
    return rechecked(data) if rng.random() < 0.5 else data


def scrambled_weights(data: bytes, rng: random.Random) -> bytes:
    """Damages the tensors of a safetensors file, or its header, and states the new length."""
    size = int.from_bytes(data[:8], "little")
    if rng.random() < 0.3:
        at = rng.randrange(8 + size, len(data))
        return data[:at] + rng.randbytes(len(data[at : at + 40])) + data[at + 40 :]
    header = with_odd_words(data[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def swapped_members(data: bytes, rng: random.Random) -> bytes:
    """Scrambled bytes, or a sound zip of which a member is scrambled."""
    if rng.random() < 0.5:
        return scrambled(data, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, scrambled(old.read(name), rng) if name == chosen else old.read(name))
    return buffer.getvalue()


@cache
def pictures() -> list[tuple[str, bytes]]:
    """A small photograph in every format, with metadata."""
    image, exif = Image.fromarray(CROP), Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.XResolution], exif[ExifTags.Base.Make] = 6, 72.0, "maker"
    grey = Image.fromarray(CROP[:, :, 0].astype(np.uint16) << 8)
    found = [(f"{name}.png", _saved(other, "PNG")) for name, other in (("rgb", image), ("grey", grey))]
    found += [
        ("palette.png", _saved(image.quantize(16), "PNG", transparency=3)),
        ("a.jpg", _saved(image, "JPEG", exif=exif)),
    ]
    found += [
        ("a.webp", _saved(image, "WEBP", exif=exif, lossless=True)),
        ("a.bmp", _saved(image, "BMP")),
        ("a.avif", _saved(image, "AVIF")),
    ]
    return [*found, ("a.tif", _saved(image, "TIFF", compression="tiff_lzw")), ("b.tif", _saved(grey, "TIFF"))]


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def zips() -> list[tuple[str, bytes]]:
    """A zip of several members, stored and deflated, with folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("0.15/", b"")
        archive.writestr("0.15/images.clc", (GOLDEN / "v2.clc").read_bytes())
        archive.writestr("text", bytes(1000), zipfile.ZIP_DEFLATED)
    return [("a.zip", buffer.getvalue())]


@cache
def bundle() -> Bundle:
    """The golden models."""
    return load_bundle(GOLDEN / "decoder")


def streams() -> list[tuple[str, bytes]]:
    """The golden stream as the server gets it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("images.clc", (GOLDEN / "v2.clc").read_bytes())
    return [("bs.zip", buffer.getvalue())]


@cache
def tables() -> list[tuple[str, bytes]]:
    """A candidate table."""
    rows = [",".join(COLUMNS), *(f"p{n % 2},{n},{100 - n},{n * 1000},{n / 100},{500 + n % 2}" for n in range(6))]
    return [("table.csv", "\n".join(rows).encode())]


def manifests() -> list[tuple[str, bytes]]:
    """The manifests of the shipped and the golden models."""
    return [(MANIFEST, (folder / MANIFEST).read_bytes()) for folder in (WEIGHTS, GOLDEN / "decoder")]


def encoder_manifests() -> list[tuple[str, bytes]]:
    """What the encoder knows of the shipped and the golden models."""
    return [(MANIFEST, (folder / MANIFEST).read_bytes()) for folder in (ENCODER_WEIGHTS, GOLDEN / "encoder")]


def weights() -> list[tuple[str, bytes]]:
    """The golden models' files."""
    return [(path.name, path.read_bytes()) for path in sorted((GOLDEN / "decoder").glob("*.safetensors"))]


def configurations() -> list[tuple[str, bytes]]:
    """The trainings' configurations."""
    return [(path.name, path.read_bytes()) for path in sorted(CONFIGS.glob("*.toml"))]


def score(path: Path) -> None:
    """Scores a picture with itself; what is wrong with it is a value."""
    score_pairs([(path, path)], [PSNR])


READERS = {
    "picture": Reader(pictures, read_picture, (PictureError,), scrambled_picture),
    "header": Reader(pictures, picture_size, (PictureError,), scrambled_picture),
    "scores": Reader(pictures, score, (), scrambled_picture),
    "zip": Reader(zips, lambda path: unpack(path, path.parent / "out", LIMIT), (DecoderError,), swapped_members),
    "submission": Reader(zips, lambda path: check(path, RULES), (), swapped_members),
    "data": Reader(
        streams, lambda path: check_data(path, "0.15", bundle(), RULES, None, "bs.zip"), (), swapped_members
    ),
    "manifest": Reader(manifests, lambda path: read_manifest(path.parent), (WeightsError,), with_odd_words),
    "encoder manifest": Reader(
        encoder_manifests, lambda path: read_encoder_manifest(path.parent), (WeightsError,), with_odd_words
    ),
    "weights": Reader(
        weights, lambda path: DecoderModel(path.read_bytes()).codec.build(), (WeightsError,), scrambled_weights
    ),
    "table": Reader(tables, load_table, (TableError,), with_odd_words),
    "configuration": Reader(configurations, load_config, (ConfigError,), with_odd_words),
}
