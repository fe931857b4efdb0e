"""One line over a whole run: the present phase, the share of the work that is done, the time left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from tqdm import tqdm

FORM = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
DONE = 1e-9
"""Share of the work below which sums of floats are over."""


class Progress:
    """Counts work in seconds of a core, as they are expected, so that phases of different kinds add up.

    A run that expects no stages shows the work of one phase after another.
    """

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self.expect({"": 0.0})

    def expect(self, stages: Mapping[str, float]) -> None:
        """Takes the stages of the run in their order, and the work that each is expected to be; the first begins."""
        self._left = dict(stages)
        self._stage = next(iter(stages))
        self._total, self._done = sum(stages.values()), 0.0

    def begin(self, stage: str) -> None:
        """A stage begins: what was expected of those before it and did not come counts as done."""
        for name in list(self._left)[: list(self._left).index(stage)]:
            self._move(self._left.pop(name))
        self._stage = stage

    def phase(self, name: str, work: float) -> None:
        """A part of the stage begins, of so much work, which may be more than was expected of what is left."""
        left = self._left[self._stage]
        self._left[self._stage] = max(left, work)
        self._total += self._left[self._stage] - left
        if self._total > 0:
            self._shown().set_description(name, refresh=False)
            self._move(0.0)

    def advance(self, work: float) -> None:
        """So much of the present phase is done."""
        self._left[self._stage] -= work
        self._move(work)
        if not self._stage and self._done >= self._total * (1 - DONE):  # nothing tells what else will come
            self.close()

    def close(self) -> None:
        """The run has ended, or failed; its line stays as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.expect({"": 0.0})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shown(self) -> tqdm[Any]:
        if self._bar is None:
            self._bar = tqdm(total=self._total, bar_format=FORM, smoothing=0)
        return self._bar

    def _move(self, work: float) -> None:
        self._done = min(self._done + work, self._total)
        bar = self._shown()
        bar.total = self._total
        bar.update(self._done - bar.n)
