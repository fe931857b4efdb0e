"""One stream set decoded in every environment there is.

The symbols must be identical everywhere, and no sample of a picture may be off by more than one level.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image
from tqdm import tqdm

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.fields import all_of, field, parse_object
from decoder_pkg.stream import unpack
from encoder.candidates import pack_archive
from encoder.codecs import coding_setting
from encoder.coding import model_picture
from encoder.models import load_zoo
from eval.machine import Provenance
from eval.storage import write_atomically

from ..package import DECODER_ZIP, EMBEDDED, build_decoder_zip
from ..seasons import MAX_UNPACKED

PROBE = Path(__file__).with_name("exactness_probe.py")
GAINS = (0, 16, 32, 48)
LEVELS = 1
"""By so many levels a sample may differ."""

VERSIONS = ("python", "numpy", "torch")
"""What a probe tells the versions of."""

THREADS = (1, 2, 4)
INSTRUCTION_SETS: dict[str, dict[str, str]] = {
    "default": {},
    "SSE41": {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem", "ATEN_CPU_CAPABILITY": "default"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"},
    "AVX512_CORE": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "OPENBLAS_CORETYPE": "SkylakeX"},
}
"""Variables that hold oneDNN, OpenBLAS and torch to an instruction set."""

CAPABILITIES = {"AVX2": ("AVX2", "AVX512"), "AVX512_CORE": ("AVX512",)}
"""What torch calls processors that have an instruction set; OpenBLAS ends the process on others. All have the rest."""


@dataclass(frozen=True)
class DecodingEnvironment:
    """One environment: an interpreter, threads, an instruction set, where the pixels are computed."""

    python: Path
    threads: int = 1
    instructions: str = "default"
    device: str = "cpu"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the process."""
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return kept | dict.fromkeys(names, str(self.threads)) | INSTRUCTION_SETS[self.instructions]


@dataclass(frozen=True)
class Outcome:
    """What one environment decoded.

    Attributes:
      setting: the environment.
      versions: of Python, numpy and torch.
      symbols: sha256 of the latents by picture.
      difference: largest difference of a sample to the first environment, None without torch.
    """

    setting: DecodingEnvironment
    versions: dict[str, str | None]
    symbols: dict[str, str]
    difference: int | None


class ProbeError(Exception):
    """An environment could not decode the set."""


def stream_set() -> bytes:
    """The embedded photographs, each coded by every model at a rate of its own."""
    zoo = load_zoo()
    entries = []
    for number, model in zoo.models.items():
        for name, gain in zip(EMBEDDED, GAINS, strict=True):
            picture = model_picture(getattr(skimage.data, name)(), model, zoo.bundle.post_filters)
            entries.append(picture.encode(coding_setting(gain, Q_ONE))[0].entry(f"{name}-{number}"))
    return pack_archive(zoo.bundle, entries)


def lacking() -> list[str]:
    """The instruction sets that this processor does not have."""
    capability = torch.backends.cpu.get_cpu_capability()
    return [name for name, processors in CAPABILITIES.items() if capability not in processors]


def settings(main: Path, others: Sequence[Path]) -> Iterator[DecodingEnvironment]:
    """Every combination for the main interpreter, one each for the others."""
    sets = [name for name in INSTRUCTION_SETS if name not in lacking()]
    for threads in THREADS:
        for instructions in sets:
            yield DecodingEnvironment(main, threads, instructions)
    if torch.cuda.is_available():
        yield DecodingEnvironment(Path(sys.executable), device="cuda")
    for python in others:
        yield DecodingEnvironment(python)


def probe(setting: DecodingEnvironment, decoder: Path, stream: Path, output: Path, expected: Path) -> Outcome:
    """Decodes the set in an environment and compares its pictures with the first one's.

    Raises:
      ProbeError: it cannot be decoded there.
    """
    output.mkdir()
    command = [str(setting.python), "-I", str(PROBE), *map(str, (decoder, stream, output)), setting.device]
    try:
        result = subprocess.run(command, env=setting.environment, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise ProbeError(f"{setting.python} cannot be run: {error.strerror or error}") from None
    if result.returncode:
        raise ProbeError(f"{setting} ended with {result.returncode}:\n{result.stderr}")
    versions, symbols = _result(setting, result.stdout)
    written = sorted(output.iterdir())
    difference = max((largest_difference(path, expected / path.name) for path in written), default=None)
    return Outcome(setting, versions, symbols, difference)


def _result(setting: DecodingEnvironment, printed: str) -> tuple[dict[str, str | None], dict[str, str]]:
    """The versions and the symbols that the last line of a probe's output holds."""
    try:
        row = parse_object(printed.rstrip("\n").rpartition("\n")[2])
        versions = field(row, "versions", dict)
        return {name: versions[name] for name in VERSIONS}, all_of(field(row, "symbols", dict), str)
    except (ValueError, KeyError):
        raise ProbeError(f"{setting.python} printed no result: give --python the path of a Python") from None


def largest_difference(first: Path, second: Path) -> int:
    """The largest difference of two PNGs' samples in levels."""
    one, other = (np.asarray(Image.open(path)).astype(int) for path in (first, second))
    return int(np.abs(one - other).max())


def violations(outcomes: Sequence[Outcome]) -> list[str]:
    """Environments in which symbols or pixels are not what they must be."""
    found = []
    for outcome in outcomes:
        if outcome.symbols != outcomes[0].symbols:
            found.append(f"{outcome.setting}: other symbols")
        if (outcome.difference or 0) > LEVELS:
            found.append(f"{outcome.setting}: a sample is off by {outcome.difference} levels")
    return found


def table(outcomes: Sequence[Outcome], missing: Sequence[str], origin: Provenance) -> str:
    """The matrix as Markdown."""
    first = outcomes[0].symbols
    lines = [
        "# Exactness",
        "",
        f"`make exactness` decodes {len(first)} pictures (the embedded photographs, each at another rate) with one "
        "decoder.zip in every environment below. The first row is what the others are compared with.",
        f"Run on {origin.date} with commit {origin.commit}, models {origin.bundle_sha256}.",
        "",
        "| Python | numpy | torch | device | threads | instruction set | symbols | largest difference of a sample |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        same = "identical" if outcome.symbols == first else "**differ**"
        versions = [outcome.versions[name] or "none" for name in VERSIONS]
        device = outcome.setting.device if outcome.versions["torch"] else "–"
        level = "not decoded" if outcome.difference is None else f"{outcome.difference} of 255"
        row = [*versions, device, str(outcome.setting.threads), outcome.setting.instructions, same, level]
        lines.append(f"| {' | '.join(row)} |")
    lines += [
        "",
        "The instruction set is what oneDNN, OpenBLAS and torch were held to. "
        "A row without torch decodes the symbols alone.",
    ]
    if missing:
        lines += ["", "Could not be run here:", "", *(f"- {text}" for text in missing)]
    return "\n".join(lines) + "\n"


def decode_everywhere(folder: Path, rows: Sequence[DecodingEnvironment]) -> list[Outcome]:
    """Builds decoder and streams in a folder and decodes them in every environment."""
    write_atomically(folder / DECODER_ZIP, build_decoder_zip().data)
    unpack(folder / DECODER_ZIP, folder / "decoder", MAX_UNPACKED)
    write_atomically(folder / "set.clc", stream_set())
    outputs = [folder / str(number) for number in range(len(rows))]
    return [
        probe(row, folder / "decoder", folder / "set.clc", output, outputs[0])
        for row, output in tqdm(list(zip(rows, outputs, strict=True)), desc="environments")
    ]
