"""Times of the packed decoder as the server calls it: start-up, and one picture by instruction set."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from decoder_pkg.commands import DATA_ZIP, ZIP_MEMBER
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.stream import unpack
from encoder.candidates import pack_archive
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.models import load_zoo
from encoder.pictures import Pixels
from eval.storage import write_atomically

from ..package import DECODER_ZIP, ENTRY, build_decoder_zip, build_zip
from ..rehearsal import CONTAINER, PICTURE, container_ready
from ..seasons import MAX_UNPACKED
from .exactness import INSTRUCTION_SETS

REPEATS = 3
SETS = ("default", "AVX2")


@dataclass(frozen=True)
class Call:
    """One call of ./decode: seconds of its only picture, and of everything else."""

    picture: float
    startup: float


def bench_server(name: str, pixels: Pixels, gain: int) -> None:
    """Prints start-up and decoding time of one picture; the calls take turns, so that a busy machine slows down all."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _pack(Path(folder), pixels, gain)
        calls: dict[str, list[Call]] = {instructions: [] for instructions in SETS}
        for _ in range(REPEATS):
            for instructions, rows in calls.items():
                rows.append(_call(Path(folder), instructions))
    seconds = {instructions: median(call.picture for call in rows) for instructions, rows in calls.items()}
    startup = median(call.startup for rows in calls.values() for call in rows)
    print(f"./decode of {name} {pixels.shape[1]}x{pixels.shape[0]}: start-up and end {startup:.2f} s (median)")
    for instructions, value in seconds.items():
        print(f"  {instructions}: {value:.2f} s with the PNG, ratio {value / seconds[SETS[0]]:.2f}")


def _pack(folder: Path, pixels: Pixels, gain: int) -> None:
    zoo = load_zoo()
    picture = AnalysedPicture(pixels, next(iter(zoo.models.values())), zoo.bundle.post_filters)
    entry = picture.encode(coding_setting(gain, Q_ONE))[0].entry("picture")
    write_atomically(folder / DECODER_ZIP, build_decoder_zip().data)
    unpack(folder / DECODER_ZIP, folder, MAX_UNPACKED)
    write_atomically(folder / DATA_ZIP, build_zip({ZIP_MEMBER: pack_archive(zoo.bundle, [entry])}))


def _call(folder: Path, instructions: str) -> Call:
    programs = CONTAINER.absolute() / "bin" if container_ready(CONTAINER) else Path(sys.executable).parent
    environment = {"PATH": f"{programs}:/usr/bin:/bin"} | INSTRUCTION_SETS[instructions]
    start = time.perf_counter()
    result = subprocess.run([f"./{ENTRY}"], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    total = time.perf_counter() - start
    ((*_, seconds),) = PICTURE.findall(result.stdout)
    return Call(float(seconds), total - float(seconds))
