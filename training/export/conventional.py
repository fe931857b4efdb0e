"""Conventional codecs among the weights: rows in both manifests, and files that hold no tensors."""

from __future__ import annotations

import json
from pathlib import Path

from decoder_pkg.codecs import ARCHITECTURES, Architecture
from decoder_pkg.models import MANIFEST, read_manifest
from encoder.codecs import conventional_codec
from eval.storage import write_atomically

from .manifests import NewModel, check_rows, update_manifests
from .trained import ExportError


def conventional_architectures() -> dict[str, Architecture]:
    """Those of conventional codecs by name."""
    return {row.name: row for row in ARCHITECTURES if conventional_codec(row)}


def add_conventional(decoder: Path, encoder: Path, number: int, name: str) -> None:
    """Adds a conventional codec to both folders of weights.

    Args:
      decoder: folder of the decoder's half.
      encoder: folder of the encoder's half.
      number: the id that picture headers name.
      name: of its architecture.

    Raises:
      ExportError: the id or the file is that of another model.
    """
    model = NewModel(number, name, f"{name}.safetensors", None, {})
    check_rows(decoder, model)
    if (decoder / MANIFEST).exists():
        taken = {row["id"]: row["file"] for row in read_manifest(decoder).models}
        if taken.get(number, model.file) != model.file:
            raise ExportError(f"model {number} is {taken[number]} already: ids are never reused, choose another --id")
    metadata = {"architecture": str(conventional_architectures()[name].id), "exponents": "{}"}
    write_atomically(decoder / model.file, _without_tensors(metadata))
    write_atomically(encoder / model.file, _without_tensors({}))
    update_manifests(decoder, encoder, model)


def _without_tensors(metadata: dict[str, str]) -> bytes:
    """A safetensors file that holds metadata alone; the library would order it anew each time."""
    header = json.dumps({"__metadata__": metadata}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header
