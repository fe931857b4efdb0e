"""From a trained model to a row of a weights folder, if what is lost on the way is little."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from decoder_pkg.models import DecoderModel
from encoder.models import EncoderModel, weight_folders
from eval.storage import write_atomically

from ..data import CropSet
from .manifests import NewModel, check_rows, update_manifests
from .trained import TrainedRun
from .whole import code_lengths, export, export_delta, rounding_loss

MOST_LOST = 0.003
"""Share of rate and distortion that quantised weights may lose, and of the bits that fixed point may: a tenth of
a percent and half of that are usual."""


def ship(
    trained: TrainedRun, row: NewModel, crops: CropSet, folders: tuple[Path, Path], base: EncoderModel | None = None
) -> bool:
    """Writes both halves of a model and its rows, and prints their sizes and what is lost.

    Args:
      trained: the model.
      row: what the manifests say of it.
      crops: photographs for calibration.
      folders: of the decoder's and the encoder's weights.
      base: the model to which it is stored as a delta.

    Returns:
      Whether that lost as little as it may; else the weights stay as they were.

    Raises:
      ExportError: it does not fit among the models there, or into integers.
    """
    check_rows(folders[0], row)
    with tempfile.TemporaryDirectory() as name:
        halves = Path(name) / "decoder" / row.file, Path(name) / "encoder" / row.file
        if base:
            export_delta(trained, base, crops, *halves)
        else:
            export(trained, crops, *halves)
        print(f"{row.file}: " + " + ".join(f"{half.stat().st_size / 1e6:.2f} MB" for half in halves))
        decoder = DecoderModel(halves[0].read_bytes(), base.decoder if base else None)
        exported = EncoderModel(row.id, decoder, halves[1], gains=trained.gains, base=base)
        if not _is_as_good(exported, trained, crops):
            return False
        for half, folder in zip(halves, folders, strict=True):
            write_atomically(folder / row.file, half.read_bytes())
    update_manifests(*folders, row, weight_folders())
    return True


def _is_as_good(exported: EncoderModel, trained: TrainedRun, crops: CropSet) -> bool:
    """Whether quantised weights and fixed point lose as little as they may; prints what they lose."""
    for model in (trained.model, exported.floats):
        model.converge()
    estimated, actual = code_lengths(exported.floats, exported.decoder.codec, trained.gains, crops)
    lost = {"quantised weights": rounding_loss(trained, exported.floats, crops), "fixed point": actual / estimated - 1}
    for what, share in lost.items():
        print(f"lost to {what}: {100 * share:+.3f} %")
        if not abs(share) <= MOST_LOST:
            print(f"that is more than {MOST_LOST:.1%}: the weights stay as they were", file=sys.stderr)
            return False
    return True
