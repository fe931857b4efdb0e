"""A model and one that was fine-tuned from it, made of the tiny weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from decoder_pkg.models import MANIFEST
from encoder.models import Zoo, load_zoo
from tests.paths import GOLDEN
from tests.weights import fake_weights

ORIGIN, TUNED = 8, 9
TUNED_GAINS = range(12, 33)
NAME = "smoke-quadtree"


def family(folder: Path, noise: float = 0.02) -> Zoo:
    """The tiny model as if it were fine-tuned, for some of the gains, from one whose synthesis is a little worse."""
    worse, file = "worse.safetensors", f"{NAME}.safetensors"
    for half in ("decoder", "encoder"):
        (folder / half).mkdir(parents=True)
        shutil.copyfile(GOLDEN / half / file, folder / half / file)
    (folder / "decoder" / worse).write_bytes(fake_weights(_noisy(noise), name=NAME))
    shutil.copyfile(GOLDEN / "encoder" / file, folder / "encoder" / worse)
    for half in ("decoder", "encoder"):
        rows = [_row(folder / half, ORIGIN, worse), _row(folder / half, TUNED, file)]
        rows[1] |= {"base": ORIGIN} if half == "decoder" else {"gains": [TUNED_GAINS[0], TUNED_GAINS[-1]]}
        whole = json.loads((GOLDEN / half / MANIFEST).read_text())
        (folder / half / MANIFEST).write_text(json.dumps(whole | {"models": rows}))
    return load_zoo(folder / "decoder", folder / "encoder")


def _noisy(noise: float) -> dict[str, np.ndarray | None]:
    rng, tensors = np.random.default_rng(1), load_file(GOLDEN / "decoder" / f"{NAME}.safetensors")
    return {
        name: (weight + noise * weight.std() * rng.normal(size=weight.shape)).astype(weight.dtype)
        for name, weight in tensors.items()
        if name.startswith("synthesis.") and weight.ndim == 4
    }


def _row(folder: Path, number: int, file: str) -> dict[str, object]:
    half = GOLDEN / folder.name / MANIFEST
    known = next(row for row in json.loads(half.read_text())["models"] if row["file"] == f"{NAME}.safetensors")
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return {**known, "id": number, "file": file, "sha256": digest}
