"""Streams that were once written must decode for ever, on any machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoder_pkg.decoder import decode_archive
from decoder_pkg.payload import decode_integers
from decoder_pkg.stream.container import read_archive
from encoder.models import Zoo
from tests.golden.make import DIGESTS, STREAM
from tests.paths import GOLDEN

STREAMS = {"plain": GOLDEN, "filtered": GOLDEN / "filtered"}
FOLDERS = pytest.mark.parametrize("kind", STREAMS)


def expected_digests(kind: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((STREAMS[kind] / DIGESTS).read_text())
    return found


@FOLDERS
def test_golden_integers_are_exact(golden_zoo: Zoo, filtered_zoo: Zoo, kind: str) -> None:
    zoo = {"plain": golden_zoo, "filtered": filtered_zoo}[kind]
    for entry in read_archive((STREAMS[kind] / STREAM).read_bytes()).entries:
        assert decode_integers(zoo.bundle, entry).sha256 == expected_digests(kind)[entry.name]


@FOLDERS
def test_golden_pictures_stay_within_a_level(golden_zoo: Zoo, filtered_zoo: Zoo, kind: str) -> None:
    zoo = {"plain": golden_zoo, "filtered": filtered_zoo}[kind]
    for decoded in decode_archive(zoo.bundle, read_archive((STREAMS[kind] / STREAM).read_bytes())):
        assert decoded.pixels is not None
        expected = np.asarray(Image.open(STREAMS[kind] / f"{decoded.name}.png")).astype(int)
        assert np.abs(decoded.pixels - expected).max() <= 1


def test_golden_streams_have_filtered_pictures_of_both_models() -> None:
    headers = [entry.header for entry in read_archive((STREAMS["filtered"] / STREAM).read_bytes()).entries]
    assert {header.model for header in headers if header.filters} == {7, 8}


@FOLDERS
@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"},
        {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"},
    ],
    ids=lambda environment: ",".join(f"{k}={v}" for k, v in environment.items()),
)
def test_golden_stream_decodes_the_same_elsewhere(
    filtered_weights: Path, kind: str, environment: dict[str, str], tmp_path: Path
) -> None:
    weights = {"plain": GOLDEN / "decoder", "filtered": filtered_weights}[kind]
    command = [sys.executable, "-m", "decoder_pkg", str(STREAMS[kind] / STREAM), "-o", str(tmp_path)]
    command += ["--weights", str(weights)]
    result = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, cwd=GOLDEN.parents[1]
    )
    assert result.returncode == 0, result.stderr
    for name in expected_digests(kind):
        decoded, expected = (
            np.asarray(Image.open(folder / f"{name}.png")).astype(int) for folder in (tmp_path, STREAMS[kind])
        )
        assert np.abs(decoded - expected).max() <= 1
