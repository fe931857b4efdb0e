"""Time of the allocation of 500 pictures with 200 candidates each."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.metrics import MS_SSIM, PSNR
from rate_control.allocation import allocate_table

PICTURES, CANDIDATES = 500, 200
PIXELS = 2_000_000


def bench_allocation() -> None:
    """Prints the time for candidates as a codec makes them, and for ties in steps that cannot fill the budget."""
    random = np.random.default_rng(0)
    sizes = np.sort(random.integers(500, 60_000, (PICTURES, CANDIDATES)), axis=1)
    scale = random.uniform(0.5, 2.0, (PICTURES, 1))
    errors = 1e12 * scale / sizes * random.uniform(0.95, 1.05, sizes.shape)
    _report("as a codec makes them", sizes, errors, int(3 * sizes[:, 0].sum()))
    steps = 10 * np.arange(1, CANDIDATES + 1) * (np.arange(PICTURES)[:, None] % 7 + 1)
    _report("all on one line, in steps of 10 bytes", steps, 1e6 - steps, int(steps.mean(axis=1).sum()) // 10 * 10 + 5)


def _report(name: str, sizes: NDArray[np.int64], errors: NDArray[np.floating], budget: int) -> None:
    frame = pd.DataFrame(
        {
            "image": np.repeat(np.arange(PICTURES).astype(str), CANDIDATES),
            "candidate": np.tile(np.arange(CANDIDATES), PICTURES),
            "bytes": sizes.reshape(-1),
            PSNR.column: errors.reshape(-1),
            MS_SSIM.column: 0.0,
            "pixels": PIXELS,
        }
    )
    start = time.perf_counter()
    allocation = allocate_table(frame, budget).allocation
    seconds = time.perf_counter() - start
    print(
        f"allocation of {PICTURES} pictures x {CANDIDATES} candidates, {name}: {seconds:.2f} s, "
        f"{budget - allocation.bytes} bytes left, {100 * allocation.gap / allocation.distortion:.6f} % above the bound"
    )
