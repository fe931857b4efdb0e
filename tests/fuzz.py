"""Mutated streams against the decoder, or files against their readers: python -m tests.fuzz --count 100000

Every input is made from its number and the seed alone, so a failure can be repeated: python -m tests.fuzz --only N.
A run that was stopped goes on where it was. Whatever the decoder does with a stream, only pictures and the errors of
`decoder_pkg.errors` may come of it, in bounded time and memory; whatever a reader does with a file, only what it reads
and its own errors.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from decoder_pkg.commands import decode_server
from decoder_pkg.errors import DecoderError
from decoder_pkg.models.bundle import Bundle, load_bundle
from eval.command_line import run_command, whole
from eval.machine import peak_bytes
from eval.storage import write_atomically
from tests.golden.make import with_filter
from tests.mutated_files import read_mutated
from tests.mutations import mutated

FOLDER = Path(".cache/fuzz")
ROOT = Path(__file__).parents[1]
MEMORY = 2 * 2**30
"""Bytes that the whole process may use."""

FAILED = "FAILED"
STREAMS = "streams"
SECONDS = 20.0
"""An input that takes longer hangs: mutated pictures stay small."""

EXAMPLES = """examples:
  python -m tests.fuzz                          100,000 streams, or the rest of them
  python -m tests.fuzz --count 500 --seed 2
  python -m tests.fuzz --only 4711              one stream again
  python -m tests.fuzz --what files             pictures, zips, manifests, weights, tables and configurations
"""


@dataclass
class Progress:
    """How far a run has come: inputs tried, outcomes by name, failures by input, peak memory in bytes."""

    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    peak_bytes: int = 0

    def add(self, outcome: str) -> None:
        """Counts the outcome of the next input."""
        name = outcome.split(":")[0]
        self.outcomes[name] = self.outcomes.get(name, 0) + 1
        if name == FAILED:
            self.failures[str(self.done)] = outcome
        self.done += 1


def sources_digest() -> str:
    """The sha256 over the sources of what reads and of the mutations."""
    digest = hashlib.sha256()
    for path in sorted(ROOT.glob("[a-z]*/**/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def golden() -> Bundle:
    """The bundle of the golden models and their post-filter."""
    with tempfile.TemporaryDirectory() as name:
        return load_bundle(with_filter(Path(name) / "decoder"))


def outcome(seed: int, number: int, folder: Path, what: str = STREAMS) -> str:
    """What came of one input: the name of its error, that it was read, or FAILED and why."""
    try:
        return TRIALS[what](seed, number, folder)
    except BaseException as error:  # a panic of the range coder is no Exception
        return f"{FAILED}: {type(error).__name__}: {error}"


def decode_mutated(seed: int, number: int, folder: Path) -> str:
    """Decodes one mutated stream as the server would."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for path in (folder / "images").iterdir():
        path.unlink()
    try:
        (folder / "bs.zip").write_bytes(mutated(golden(), seed, number))
        failures = decode_server(golden(), folder)
    except DecoderError as error:
        return type(error).__name__
    left = [path.name for path in (folder / "images").iterdir() if path.suffix != ".png"]
    if left:
        return f"{FAILED}: left {left}"
    return "PayloadError" if failures else "decoded"


TRIALS: dict[str, Callable[[int, int, Path], str]] = {STREAMS: decode_mutated, "files": read_mutated}


def work(connection: Connection, what: str, seed: int, start: int, stop: int, folder: str) -> None:
    """Tries inputs one after another in a process of its own, and tells each outcome and the memory used."""
    torch.set_num_threads(1)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for number in range(start, stop):
            text = outcome(seed, number, Path(folder), what)
            connection.send((text, peak_bytes()))
    connection.close()


def run(seed: int, count: int, folder: Path, what: str = STREAMS) -> Progress:
    """Goes on to `count` inputs; what costs the whole process is a failure of its input.

    Other sources begin anew: the state's name has their digest.
    """
    state = folder / f"{what}-{seed}-{sources_digest()[:8]}.json"
    progress = Progress(**json.loads(state.read_text())) if state.exists() else Progress()
    with tqdm(total=count, initial=progress.done, unit="input", desc="fuzz") as bar:
        while progress.done < count:
            _supervise(what, seed, count, folder, progress, bar)
            write_atomically(state, json.dumps(asdict(progress), indent=1).encode())
    return progress


def _supervise(what: str, seed: int, count: int, folder: Path, progress: Progress, bar: Any) -> None:
    """Runs one process until it is through with a few thousand inputs, or fails."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    stop = min(count, progress.done + 2000)
    place = folder / "work"
    place.mkdir(parents=True, exist_ok=True)
    process = context.Process(target=work, args=(sender, what, seed, progress.done, stop, str(place)))
    process.start()
    sender.close()
    started = False
    while progress.done < stop:
        text, peak = _next(receiver, SECONDS if started else 10 * SECONDS)
        started = True
        progress.peak_bytes = max(progress.peak_bytes, peak)
        progress.add(text if peak <= MEMORY else f"{FAILED}: {peak} bytes of memory")
        bar.update()
        if peak > MEMORY or peak == 0:
            process.kill()
            break
    process.join()


def _next(receiver: Connection, seconds: float) -> tuple[str, int]:
    """The next outcome and the memory; 0 bytes where the process is lost."""
    if not receiver.poll(seconds):
        return f"{FAILED}: hangs for more than {seconds:g} s", 0
    try:
        text, peak = receiver.recv()
    except EOFError:
        return f"{FAILED}: the process died", 0
    return str(text), int(peak)


def main() -> int:
    """Returns 1 where an input failed."""
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz",
        description="Decodes mutated streams, or reads mutated files, and reports every crash, hang and unnamed error.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--what", choices=list(TRIALS), default=STREAMS, help="what is mutated (default streams)")
    parser.add_argument("--count", type=whole, default=100_000, help="inputs in all (default 100000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs (default 1)")
    parser.add_argument("--only", type=int, help="number of a single input")
    arguments = parser.parse_args()
    if arguments.only is not None:
        start, place = time.monotonic(), FOLDER / "only"
        place.mkdir(parents=True, exist_ok=True)
        text = outcome(arguments.seed, arguments.only, place, arguments.what)
        print(f"{text} in {time.monotonic() - start:.2f} s")
        return 1 if text.startswith(FAILED) else 0
    progress = run(arguments.seed, arguments.count, FOLDER, arguments.what)
    for name, count in sorted(progress.outcomes.items()):
        print(f"{count:>8,} {name}")
    print(f"{progress.done:>8,} {arguments.what}, {progress.peak_bytes / 2**20:,.0f} MiB at most")
    for number, text in progress.failures.items():
        print(f"{arguments.what} {number}: {text}")
    return 1 if progress.failures else 0


if __name__ == "__main__":
    run_command(main)
