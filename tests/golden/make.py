"""Writes the golden streams anew: python -m tests.golden.make

Only for a new format version or new golden weights: streams that were once released must decode for ever.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import skimage.data

from decoder_pkg.decoder import decode_entry, write_png
from decoder_pkg.payload import decode_integers
from decoder_pkg.stream.container import VERSION
from encoder.candidates import pack_archive
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, load_zoo

FOLDER = Path(__file__).parent
CROPS = {
    "astronaut": (7, 96, 128, 8, 128),
    "chelsea": (8, 65, 49, 24, 100),
    "coffee": (7, 1, 1, 0, 255),
    "rocket": (8, 17, 200, 48, 64),
}
"""Model, height, width, gain and q of each picture: even, odd, smallest, flat; every end of the ranges."""

FILTERED = FOLDER / "filtered"
"""Streams with a post-filter, and what its bundle has beside the models of the others."""

STREAM, DIGESTS = f"v{VERSION}.clc", f"v{VERSION}.json"


def with_filter(folder: Path) -> Path:
    """Makes a folder of the tiny models and the post-filter."""
    shutil.copytree(FOLDER / "decoder", folder)
    for name in ("manifest.json", "postfilter.safetensors"):
        shutil.copy(FILTERED / name, folder)
    return folder


def write_streams(zoo: Zoo, folder: Path) -> None:
    """Writes the stream, the digests of its integers, and its pictures."""
    entries = []
    for name, (model, height, width, gain, q) in CROPS.items():
        pixels = getattr(skimage.data, name)()[60 : 60 + height, 100 : 100 + width]
        picture = AnalysedPicture(pixels, zoo.models[model], zoo.bundle.post_filters)
        entries.append(picture.encode(coding_setting(gain, q))[0].entry(name))
    expected = {}
    for entry in entries:
        expected[entry.name] = decode_integers(zoo.bundle, entry).sha256
        write_png(folder / f"{entry.name}.png", decode_entry(zoo.bundle, entry))
    (folder / STREAM).write_bytes(pack_archive(zoo.bundle, entries))
    (folder / DIGESTS).write_text(json.dumps(expected, indent=1) + "\n")


def main() -> None:
    write_streams(load_zoo(FOLDER / "decoder", FOLDER / "encoder"), FOLDER)
    with tempfile.TemporaryDirectory() as name:
        write_streams(load_zoo(with_filter(Path(name) / "decoder"), FOLDER / "encoder"), FILTERED)


if __name__ == "__main__":
    main()
