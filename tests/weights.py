"""The golden weights with something changed."""

from __future__ import annotations

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save

from tests.paths import GOLDEN


def fake_weights(
    change: dict[str, np.ndarray | None], metadata: dict[str, str] | None = None, name: str = "smoke"
) -> bytes:
    """The golden weights with other tensors (None: without one) and metadata, in a file that is sound in itself."""
    path = GOLDEN / f"decoder/{name}.safetensors"
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        whole = file.metadata() | (metadata or {})
    return save({name: array for name, array in (tensors | change).items() if array is not None}, whole)
