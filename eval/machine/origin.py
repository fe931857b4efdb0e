"""Where a result comes from: what every result row records."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

UNKNOWN = "unknown"
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Provenance:
    """The circumstances of a result, as text for tables.

    Attributes:
      commit: of the source tree; ends in `-dirty` where files were changed since, `unknown` outside a checkout.
      bundle_sha256: of the weights that decoded; empty where none did, `unknown` where they cannot be told.
      torch: its version.
      threads: that the codec could use; None where that is unknown.
      device: the processor.
      date: UTC, to the second.
    """

    commit: str
    bundle_sha256: str
    torch: str
    threads: int | None
    device: str
    date: str


def provenance(threads: int | None, bundle_sha256: str = "") -> Provenance:
    """The circumstances of a result that is measured now, on this machine."""
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Provenance(commit(), bundle_sha256, torch.__version__, threads, device(), date)


def commit(file: Path = Path(__file__)) -> str:
    """The commit of the checkout that tracks a file, marked where tracked files were changed since."""
    try:
        # An environment inside a foreign checkout is not tracked by it: that checkout's commit would mislead.
        _git(file.parent, "ls-files", "--error-unmatch", file.name)
        return _git(file.parent, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").strip()
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN


def device() -> str:
    """The processor's name."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"CPU {names[0] if names else platform.machine()}"


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
