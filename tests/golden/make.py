"""Writes the golden streams anew: python -m tests.golden.make [FOLDER, by default filtered]

Only for a new format version or new golden weights: streams that were once released must decode for ever.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import skimage.data
from encoder.coding.coded_picture import AnalysedPicture

from decoder_pkg.decoder import decode_entry, decode_integers, write_png
from decoder_pkg.stream.container import write_archive
from encoder.weights import Zoo, load_zoo

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


def with_filter(folder: Path) -> Path:
    """Makes a folder of the tiny models and the post-filter."""
    shutil.copytree(FOLDER / "decoder", folder)
    for name in ("manifest.json", "postfilter.safetensors"):
        shutil.copy(FILTERED / name, folder)
    return folder


def write_streams(zoo: Zoo, folder: Path) -> None:
    """Writes v1.clc, the digests of its integers in v1.json, and its pictures."""
    entries = []
    for name, (model, height, width, gain, q) in CROPS.items():
        pixels = getattr(skimage.data, name)()[60 : 60 + height, 100 : 100 + width]
        candidate, _ = AnalysedPicture(pixels, zoo.models[model], zoo.bundle.postfilter).encode(gain, q)
        entries.append(candidate.entry(name))
    expected = {}
    for entry in entries:
        expected[entry.name] = decode_integers(zoo.bundle, entry).sha256
        write_png(folder / f"{entry.name}.png", decode_entry(zoo.bundle, entry))
    (folder / "v1.clc").write_bytes(write_archive(zoo.bundle.id, entries))
    (folder / "v1.json").write_text(json.dumps(expected, indent=1) + "\n")


def main() -> None:
    folder = FOLDER / (sys.argv[1] if len(sys.argv) > 1 else FILTERED.name)
    with tempfile.TemporaryDirectory() as name:
        weights = FOLDER / "decoder" if folder == FOLDER else with_filter(Path(name) / "decoder")
        write_streams(load_zoo(weights, FOLDER / "encoder"), folder)


if __name__ == "__main__":
    main()
