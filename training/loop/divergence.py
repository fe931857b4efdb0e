"""Notices a run that diverges before its last good checkpoint is overwritten."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

RISE = 1.25
"""Ratio of two medians of the loss that no healthy run shows; chance moves them by about a hundredth."""

FEWEST = 50
"""Iterations whose median is trusted."""


class DivergenceError(Exception):
    """The loss rose far above what it had been."""


@dataclass
class LossWatch:
    """Losses since they were last checked, and the least median since the run began or went on: one odd picture moves a
    mean.
    """

    least: float = math.inf
    losses: list[float] = field(default_factory=list)

    def add(self, loss: float) -> None:
        """Remembers an iteration's loss."""
        self.losses.append(loss if math.isfinite(loss) else math.inf)

    def check(self) -> None:
        """Compares the median of the newest losses with the least one and begins anew.

        Raises:
          DivergenceError: it is much larger, or half of the losses are no numbers.
        """
        if len(self.losses) < FEWEST:
            return
        # A run's first check has nothing before it: its own beginning is what it is compared with.
        self.least = min(self.least, median(self.losses[:FEWEST]))
        middle = median(self.losses[-FEWEST:])  # a run that broke a minute ago was healthy for longer
        if middle == math.inf or middle > RISE * self.least:
            raise DivergenceError(f"the loss rose from {self.least:.4g} to {middle:.4g}")
        self.least = min(self.least, middle)
        self.losses.clear()
