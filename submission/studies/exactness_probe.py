"""Runs inside an environment under test: python exactness_probe.py FOLDER STREAM OUTPUT DEVICE

FOLDER is an unpacked decoder.zip. Prints versions and the sha256 of every picture's latents as JSON, and writes the
pictures where torch is there.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from pathlib import Path


def main() -> None:
    """Needs nothing but what the decoder ships and its environment."""
    folder, stream, output, device = sys.argv[1:]
    sys.path[:0] = [folder, f"{folder}/vendor"]
    import numpy as np

    from decoder_pkg.decoder import decode_entry, write_png
    from decoder_pkg.models import load_bundle
    from decoder_pkg.payload import decode_integers
    from decoder_pkg.stream import read_archive

    bundle = load_bundle()
    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": None}
    pixels = importlib.util.find_spec("torch") is not None
    if pixels:
        import torch

        versions["torch"] = torch.__version__
        for model in bundle.models.values():
            model.codec.place(device)
    symbols = {}
    for entry in read_archive(Path(stream).read_bytes()).entries:
        symbols[entry.name] = decode_integers(bundle, entry).sha256
        if pixels:
            write_png(Path(output) / f"{entry.name}.png", decode_entry(bundle, entry))
    print(json.dumps({"versions": versions, "symbols": symbols}))


if __name__ == "__main__":
    main()
