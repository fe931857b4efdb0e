"""Streams that were once written must decode for ever, on any machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoder_pkg.archive import read_archive
from decoder_pkg.decoder import decode_archive, decode_entry_latents
from encoder.weights import Zoo

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "v1.json").read_text())


def test_golden_latents_are_exact(golden_zoo: Zoo, golden_stream: bytes) -> None:
    for entry in read_archive(golden_stream).entries:
        latents = decode_entry_latents(golden_zoo.bundle, entry)
        assert hashlib.sha256(latents.astype("<i4").tobytes()).hexdigest() == EXPECTED[entry.name]


@pytest.mark.parametrize("bf16", [False, True])
def test_golden_pictures_stay_within_a_level(golden_zoo: Zoo, golden_stream: bytes, bf16: bool) -> None:
    for decoded in decode_archive(golden_zoo.bundle, read_archive(golden_stream), bf16=bf16):
        assert decoded.pixels is not None
        expected = np.asarray(Image.open(GOLDEN / f"{decoded.name}.png")).astype(int)
        assert np.abs(decoded.pixels - expected).max() <= (8 if bf16 else 1)


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
def test_golden_stream_decodes_the_same_elsewhere(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "decoder_pkg", str(GOLDEN / "v1.clc"), "-o", str(tmp_path)]
    command += ["--weights", str(GOLDEN / "decoder")]
    result = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, cwd=GOLDEN.parents[1]
    )
    assert result.returncode == 0, result.stderr
    for name in EXPECTED:
        decoded, expected = (
            np.asarray(Image.open(folder / f"{name}.png")).astype(int) for folder in (tmp_path, GOLDEN)
        )
        assert np.abs(decoded - expected).max() <= 1
