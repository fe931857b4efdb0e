"""A model's rows in both manifests of the weights."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from decoder_pkg.fields import field, parse_object
from decoder_pkg.models import MANIFEST, MAX_MANIFEST_BYTES, check_manifest, read_file
from eval.storage import write_atomically, write_json

from .trained import ExportError, TrainingRecord

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class NewModel:
    """A model that is exported.

    Attributes:
      id: the id that picture headers name.
      name: for people.
      file: of either half in its folder.
      base: id of the model to which both files are deltas; None where they hold a whole one.
      record: how it was trained.
    """

    id: int
    name: str
    file: str
    base: int | None
    record: TrainingRecord

    def decoder_row(self, sha256: str) -> dict[str, Any]:
        """The row of the decoder's manifest."""
        row = {"id": self.id, "file": self.file, "sha256": sha256}
        return row if self.base is None else row | {"base": self.base}


def check_rows(folder: Path, model: NewModel) -> None:
    """Makes sure that the decoder's manifest with a new row, or one in the place of the former of its id, can be read.

    Raises:
      ExportError: the id is none, the file that of another model, or the base none that can come before.
    """
    manifest = _read(folder)
    try:
        check_manifest(manifest | {"models": _with(manifest["models"], model.decoder_row(""))})
    except ValueError as error:
        raise ExportError(f"model {model.id} {model.name!r} does not fit into {folder}: {error}") from None


def update_manifests(
    decoder: Path, encoder: Path, model: NewModel, filters_of: tuple[Path, Path] | None = None
) -> None:
    """Adds or replaces a model's rows; what was a delta to the model replaced has no meaning any more and goes.

    Args:
      decoder: folder of the decoder's half.
      encoder: folder of the encoder's half.
      model: its files lie in both.
      filters_of: folders whose post-filters a first model is given.
    """
    if filters_of and not (decoder / MANIFEST).exists():
        shipped, known = ({"models": [], "filters": _read(folder)["filters"]} for folder in filters_of)
        for row in shipped["filters"]:
            write_atomically(decoder / row["file"], (filters_of[0] / row["file"]).read_bytes())
    else:
        shipped, known = _read(decoder), _read(encoder)
    digest, other = (hashlib.sha256((folder / model.file).read_bytes()).hexdigest() for folder in (decoder, encoder))
    former = [_sha256(manifest["models"], model.id) for manifest in (shipped, known)]
    gone = _deltas_to(shipped["models"], model.id) if former not in ([None, None], [digest, other]) else set()
    for number in sorted(gone):
        print(f"model {number} was a delta to the former weights: export it again", file=sys.stderr)
    new = {"id": model.id, "name": model.name, "file": model.file, "sha256": other} | model.record
    for folder, manifest, row in ((encoder, known, new), (decoder, shipped, model.decoder_row(digest))):
        kept = [old for old in manifest["models"] if old["id"] not in gone]
        write_json(folder / MANIFEST, manifest | {"models": _with(kept, row)})


def update_filter(decoder: Path, encoder: Path, row: dict[str, Any], record: TrainingRecord) -> None:
    """Adds or replaces a post-filter's rows: the decoder's, and how it was made."""
    facts = {"id": row["id"], "name": row["filter"]} | record
    for folder, new in ((encoder, facts), (decoder, row)):
        manifest = _read(folder)
        write_json(folder / MANIFEST, manifest | {"filters": _with(manifest["filters"], new)})


def _read(folder: Path) -> dict[str, Rows]:
    path = folder / MANIFEST
    if not path.exists():
        return {"models": [], "filters": []}
    try:
        whole = parse_object(read_file(path, MAX_MANIFEST_BYTES))
        lists: dict[str, Rows] = {name: field(whole, name, list) for name in ("models", "filters")}
        for row in (row for rows in lists.values() for row in rows):
            field(row, "id", int)
    except ValueError as error:
        raise ExportError(f"{path} is damaged: {error}") from None
    return lists


def _with(rows: Rows, row: dict[str, Any]) -> Rows:
    """The rows with one more, or one in the place of the former of its id."""
    return sorted([*(other for other in rows if other["id"] != row["id"]), row], key=itemgetter("id"))


def _sha256(rows: Rows, number: int) -> str | None:
    return next((row.get("sha256") for row in rows if row["id"] == number), None)


def _deltas_to(rows: Rows, number: int) -> set[int]:
    """Ids of the models that are deltas to one, or to such a model."""
    gone = {number}
    for row in rows:  # a base comes before its deltas
        if row.get("base") in gone:
            gone.add(row["id"])
    return gone - {number}
