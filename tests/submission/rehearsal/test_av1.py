"""A picture coded by AV1 is decoded by the package as it ships."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from decoder_pkg.codecs.av1 import av1_integers
from decoder_pkg.commands import ZIP_MEMBER
from decoder_pkg.models import MANIFEST
from decoder_pkg.stream import write_archive
from eval.storage import write_json
from submission.package.decoder_zip import WHEELS, build_decoder_zip
from submission.package.zips import build_zip
from submission.rehearsal.run import rehearse
from submission.seasons import season
from tests.decoder_pkg.codecs.av1.files import avif_of, data_of, decoded_by_pillow, drawing
from tests.decoder_pkg.codecs.av1.streams import BUNDLE, MODEL, WEIGHTS, entry_of
from tests.paths import ROOT
from tests.streams import archive_of


def test_packed_decoder_decodes_a_page_that_av1_coded(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "av1.safetensors").write_bytes(WEIGHTS)
    row = {"id": MODEL, "file": "av1.safetensors", "sha256": hashlib.sha256(WEIGHTS).hexdigest()}
    write_json(weights / MANIFEST, {"models": [row], "filters": []})
    file = avif_of(drawing(90, 200))
    archive = archive_of(BUNDLE, entry_of(av1_integers(data_of(file)), (90, 200)))
    (tmp_path / "decoder.zip").write_bytes(build_decoder_zip(weights, ROOT / WHEELS).data)
    stream = write_archive(archive.bundle_id, archive.entries)
    (tmp_path / "bs.zip").write_bytes(build_zip({ZIP_MEMBER: stream}))
    rules = replace(season(2021), memory_bytes=None)
    with rehearse(tmp_path / "decoder.zip", tmp_path / "bs.zip", rules) as result:
        assert result.failure is None, result.log
        with Image.open(result.folder / "images" / "picture.png") as picture:
            assert np.array_equal(np.asarray(picture), decoded_by_pillow(file))
