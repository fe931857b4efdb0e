"""Notices a run that diverges before its last good checkpoint is overwritten."""

from __future__ import annotations

import math
from dataclasses import dataclass

RISE = 1.25
"""Ratio of two means of the loss that no healthy run shows; chance moves them by about a hundredth."""

FEWEST = 50
"""Iterations whose mean is trusted."""


class DivergenceError(Exception):
    """The loss rose far above what it had been."""


@dataclass
class LossWatch:
    """Mean of the loss since it was last checked, beside the least such mean of the run."""

    least: float = math.inf
    total: float = 0.0
    count: int = 0

    def add(self, loss: float) -> None:
        """Remembers an iteration's loss."""
        self.total += loss
        self.count += 1

    def check(self) -> None:
        """Compares the mean with the least one and begins anew.

        Raises:
          DivergenceError: it is much larger, or no number.
        """
        mean = self.total / self.count if self.count else 0.0
        if self.count >= FEWEST or not math.isfinite(mean):
            if not mean <= RISE * self.least:
                raise DivergenceError(f"the loss rose from {self.least:.4g} to {mean:.4g}")
            self.least = min(self.least, mean)
            self.total, self.count = 0.0, 0
