"""How a rehearsed decoder is kept from the network, from other processes and from the originals."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ISOLATED = ("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--map-root-user")
"""Namespaces of its own: no network, no sight of other processes, mounts that nobody else sees."""

INSIDE = Path(__file__).with_name("inside.py")
"""The script that runs within these namespaces, and reports."""


def contained(isolated: bool, report: int, concealed: Sequence[Path]) -> tuple[str, ...]:
    """The command prefix between the limits and the decoder."""
    script = (sys.executable, "-I", str(INSIDE), str(report))
    if not isolated:
        return (*script, "open", "--")
    unshare = shutil.which(ISOLATED[0]) or ISOLATED[0]
    return (unshare, *ISOLATED[1:], *script, "isolated", *(str(folder.resolve()) for folder in concealed), "--")


def can_isolate(concealed: Sequence[Path]) -> bool:
    """Whether the system lets a run be isolated."""
    stdout = 1
    command = (*contained(True, stdout, concealed), sys.executable, "-I", "-c", "")
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False
