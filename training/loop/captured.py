"""An update of the weights as a CUDA graph: launching its kernels one by one takes four times as long as they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from ..data import TrainingBatch
from .muon import TURNS

WARM = 2 * TURNS
"""Updates that are launched one by one first: they compile, choose algorithms and create the optimisers' state."""

Update = Callable[[TrainingBatch], tuple[Tensor, ...]]
"""One update of the weights from a batch on the device; yields scalars."""


class CapturedUpdate:
    """Stands for an update; from the fifth call on it is a CUDA graph, one for each of Muon's turns."""

    def __init__(self, update: Update, device: torch.device) -> None:
        self._update, self._device = update, device
        self._inputs: TrainingBatch | None = None
        self._warm = 0
        self._graphs: deque[tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]] = deque()

    def __call__(self, batch: TrainingBatch) -> tuple[Tensor, ...]:
        """Updates the weights from a batch in pinned memory, without waiting for the device."""
        inputs = self._take(batch)
        if self._warm < WARM:
            self._warm += 1
            return self._launch(inputs)
        if not self._graphs:
            self._graphs += [self._capture(inputs) for _ in range(TURNS)]
        graph, values = self._graphs[0]
        self._graphs.rotate(-1)
        graph.replay()
        return tuple(value.clone() for value in values)

    def _take(self, batch: TrainingBatch) -> TrainingBatch:
        """Copies a batch to where the graphs read theirs."""
        if self._inputs is None:
            self._inputs = batch.to(self._device)
        for kept, new in zip(self._inputs.tensors(), batch.tensors(), strict=True):
            kept.copy_(new, non_blocking=True)
        return self._inputs

    def _launch(self, inputs: TrainingBatch) -> tuple[Tensor, ...]:
        # On a stream of its own, as in capture.
        current, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(current)
        with torch.cuda.stream(aside):
            values = self._update(inputs)
        current.wait_stream(aside)
        return values

    def _capture(self, inputs: TrainingBatch) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...]]:
        graph = torch.cuda.CUDAGraph()
        # The thread that pins batches may allocate meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            values = self._update(inputs)
        return graph, values
