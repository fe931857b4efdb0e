"""Writes the golden streams anew: python -m tests.golden.make

Only for a new format version or new golden weights: streams that were once released must decode for ever.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import skimage.data

from decoder_pkg.archive import write_archive
from decoder_pkg.decoder import decode_entry, decode_entry_latents, write_png
from encoder.encode import AnalysedPicture
from encoder.weights import load_zoo

FOLDER = Path(__file__).parent
CROPS = {
    "astronaut": (7, 96, 128, 8, 128),
    "chelsea": (8, 65, 49, 24, 100),
    "coffee": (7, 1, 1, 0, 255),
    "rocket": (8, 17, 200, 48, 64),
}
"""Model, height, width, gain and q of each picture: even, odd, smallest, flat; every end of the ranges."""


def main() -> None:
    zoo = load_zoo(FOLDER / "decoder", FOLDER / "encoder")
    entries = []
    for name, (model, height, width, gain, q) in CROPS.items():
        pixels = getattr(skimage.data, name)()[60 : 60 + height, 100 : 100 + width]
        candidate, _ = AnalysedPicture(pixels, zoo.models[model]).encode(gain, q)
        entries.append(candidate.entry(name))
    expected = {}
    for entry in entries:
        latents = decode_entry_latents(zoo.bundle, entry)
        expected[entry.name] = hashlib.sha256(latents.astype("<i4").tobytes()).hexdigest()
        write_png(FOLDER / f"{entry.name}.png", decode_entry(zoo.bundle, entry))
    (FOLDER / "v1.clc").write_bytes(write_archive(zoo.bundle.id, entries))
    (FOLDER / "v1.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
