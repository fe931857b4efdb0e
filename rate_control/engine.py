"""Where the work on single pictures is done: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch

Job = TypeVar("Job")
Result = TypeVar("Result")


class EngineError(Exception):
    """The work cannot be distributed as asked."""


class Engine(Protocol):
    """Runs a function over jobs."""

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done."""
        ...


class Here:
    """One job after another in this process."""

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job, in order."""
        for position, job in enumerate(jobs):
            yield position, function(job)


@dataclass(frozen=True)
class Processes:
    """Parallel processes on this machine, one thread each, so that results don't depend on their number.

    Attributes:
      workers: processes; 0 for one per core.
    """

    workers: int = 0

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done."""
        count = max(1, min(self.workers or len(os.sched_getaffinity(0)), len(jobs)))
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=torch.set_num_threads, initargs=(1,))
        try:
            futures = {pool.submit(function, job): position for position, job in enumerate(jobs)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


class RayCluster:
    """A Ray cluster: the one at RAY_ADDRESS, or this machine alone.

    Pictures, weights and cache are read and written by path: every machine must reach them under the same paths.
    """

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done, each with one core."""
        ray = _import_ray()
        if not ray.is_initialized():
            ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False)
        remote = ray.remote(num_cpus=1)(_single_threaded).remote
        pending = {remote(function, job): position for position, job in enumerate(jobs)}
        while pending:
            (done,), _ = ray.wait(list(pending))
            yield pending.pop(done), ray.get(done)


def _single_threaded(function: Callable[[Job], Result], job: Job) -> Result:
    torch.set_num_threads(1)
    return function(job)


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise EngineError("ENGINE=ray needs Ray: pip install '.[cluster]'") from None
    return ray


ENGINES: dict[str, Callable[[], Engine]] = {"local": Processes, "ray": RayCluster}
"""Engines by the name the command line takes."""
