"""What may happen to `make submission` from outside: python -m tests.faults

Runs are killed at random moments, fill up their disk, and meet each other in one folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from eval.command_line import run_command
from eval.storage import PARTIAL

ROOT = Path(__file__).parents[1]
SMALL = (sys.executable, "-m", "tests.small_submission")
IN_TMPFS = 'mount -t tmpfs -o "size=$1" none "$2" && cd "$2" && shift 2 && "$@"; code=$?; cp -a . "$OUT"; exit $code'
DISKS = ("1m", "2m", "2300k", "3m", "4m")
"""Sizes of disks that are full at different points of a run."""


WHOLE_RUN = 3600.0
"""Seconds in which any run ends."""


class Violation(Exception):
    """A run did not end as it must."""


def start(work: Path, *arguments: str, prefix: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
    """Starts a small submission in a folder."""
    work.mkdir(parents=True, exist_ok=True)
    variables = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
    return subprocess.Popen(
        [*prefix, *SMALL, *arguments],
        cwd=work,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What a run printed, once it has ended."""
    return process.communicate()[0]


def digests(dist: Path) -> dict[str, str]:
    """The sha256 of every file of a finished folder."""
    files = sorted(path for path in dist.rglob("*") if path.is_file())
    return {str(path.relative_to(dist)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def reference(work: Path) -> tuple[dict[str, str], int]:
    """The files of a run that nothing disturbs, and the number of moments at which it could be killed."""
    process = start(work, "--count")
    text = finish(process)
    found = re.search(r"moments: (\d+)", text)
    if process.returncode or not found:
        raise Violation(f"the undisturbed run failed:\n{text}")
    return digests(work / "dist"), int(found[1])


def killed(work: Path, moment: int, expected: dict[str, str]) -> None:
    """Kills a run at a moment; the next run must end with the same files.

    Raises:
      Violation: it does not.
    """
    process = start(work, "--kill-at", str(moment))
    finish(process)
    if process.returncode != -9:
        raise Violation(f"moment {moment}: the run ended with {process.returncode} before it was killed")
    process = start(work)
    text = finish(process)
    if process.returncode or digests(work / "dist") != expected:
        raise Violation(f"moment {moment}: the next run differs:\n{digests(work / 'dist')}\n{text}")


def struck(work: Path, seconds: float, expected: dict[str, str]) -> None:
    """Kills a run and all its workers after some seconds; the next run must end with the same files.

    Raises:
      Violation: it does not.
    """
    process = start(work, "--workers")
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    process = start(work, "--workers")
    text = finish(process)
    if process.returncode or digests(work / "dist") != expected:
        raise Violation(f"killed after {seconds:.2f} s: the next run differs:\n{digests(work / 'dist')}\n{text}")


def full_disk(size: str, folder: Path) -> str:
    """Runs on a disk of this size and returns what it printed.

    Raises:
      Violation: it ends without a clear error, or leaves something half written.
    """
    mount, out = folder / "mount", folder / "out"
    mount.mkdir(parents=True)
    out.mkdir()
    prefix = ("unshare", "--mount", "--map-root-user", "sh", "-c", IN_TMPFS, "sh", size, str(mount))
    process = start(folder, prefix=prefix, OUT=str(out))
    text = finish(process)
    if process.returncode != 1 or "Traceback" in text or not re.search(r"Error: .*No space left", text):
        raise Violation(f"a disk of {size}: ended with {process.returncode}:\n{text}")
    half_written(out, text)
    return text.strip().splitlines()[-1]


def half_written(folder: Path, text: str) -> None:
    """Looks for unfinished files.

    Raises:
      Violation: there is one.
    """
    for path in folder.rglob("*"):
        broken = path.name.endswith(PARTIAL)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip() is not None
        if broken:
            raise Violation(f"{path} is half written:\n{text}")


def together(work: Path, expected: dict[str, str]) -> int:
    """Starts two runs in one folder; returns how many were turned away.

    Raises:
      Violation: a run ended otherwise than well or with the clear message, or the files differ.
    """
    processes = [start(work) for _ in range(2)]
    texts = [finish(process) for process in processes]
    turned_away = 0
    for process, text in zip(processes, texts, strict=True):
        busy = "another run is using" in text and "Traceback" not in text
        turned_away += busy
        if process.returncode != (1 if busy else 0):
            raise Violation(f"one of two runs ended with {process.returncode}:\n{text}")
    if digests(work / "dist") != expected:
        raise Violation("two runs at once left other files")
    return turned_away


def tmpfs_allowed() -> bool:
    """Whether this system lets a small disk be mounted."""
    command = ("unshare", "--mount", "--map-root-user", "sh", "-c", "mount -t tmpfs none /mnt")
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


def main() -> int:
    """Returns 1 at the first violation."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default 1)")
    parser.add_argument("--kills", type=int, default=20, help="runs to kill (default 20)")
    parser.add_argument("--strikes", type=int, default=5, help="runs to kill with all their workers (default 5)")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        try:
            expected, moments = reference(folder / "reference")
            points = [rng.randint(1, moments) for _ in range(arguments.kills)]
            for number, point in enumerate(tqdm(points, desc="kill -9", unit="run")):
                killed(folder / f"killed{number}", point, expected)
            print(f"killed {arguments.kills} times at one of {moments} moments: the next run left the same files")
            started = time.monotonic()
            struck(folder / "whole", WHOLE_RUN, expected)
            duration = (time.monotonic() - started) / 2
            times = [rng.uniform(0, duration) for _ in range(arguments.strikes)]
            for number, seconds in enumerate(tqdm(times, desc="kill -9 of all processes", unit="run")):
                struck(folder / f"struck{number}", seconds, expected)
            print(f"killed {arguments.strikes} times with all workers, at random times: the same files")
            print(f"two runs at once: {together(folder / 'together', expected)} was turned away, the same files")
            for size in DISKS if tmpfs_allowed() else ():
                print(f"disk of {size}: {full_disk(size, folder / size)}")
        except Violation as violation:
            print(violation, file=sys.stderr)
            return 1
    if not tmpfs_allowed():
        print("this system does not let a small disk be mounted: a full one was not tried")
    return 0


if __name__ == "__main__":
    run_command(main)
