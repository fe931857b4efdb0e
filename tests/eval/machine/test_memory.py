from __future__ import annotations

import subprocess
import sys

from eval.machine import peak_bytes
from tests.paths import ROOT


def test_peak_is_this_program_s_own_and_not_its_parent_s() -> None:
    large = bytearray(b"x" * 10**9)
    assert peak_bytes() > len(large)
    code = "from eval.machine import peak_bytes; print(peak_bytes())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(child.stdout) < len(large)
