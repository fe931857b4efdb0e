from __future__ import annotations

import subprocess
import sys

from eval.machine import memory, peak_bytes
from tests.paths import ROOT


def test_peak_is_this_program_s_own_and_not_its_parent_s() -> None:
    large = bytearray(b"x" * 2 * 10**8)
    assert peak_bytes() > len(large)
    code = f"import runpy; print(runpy.run_path({memory.__file__!r})['peak_bytes']())"  # the package has torch in it
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(child.stdout) < 10**8
