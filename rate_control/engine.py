"""Where the work on single pictures is done: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

import torch

from eval.threads import one_thread

Job = TypeVar("Job")
Result = TypeVar("Result")


class EngineError(Exception):
    """The work cannot be distributed as asked, or a process that did a part of it is gone."""


class Engine(Protocol):
    """Runs a function over jobs."""

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done."""
        ...


class Here:
    """One job after another in this process, with one thread."""

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job, in order."""
        for position, job in enumerate(jobs):
            with one_thread():
                result = function(job)
            yield position, result


class Processes:
    """Parallel processes on this machine, one thread each, so that results don't depend on their number.

    They start with the first job, stay for the next `map` and end with the process that started them.
    """

    def __init__(self, workers: int = 0) -> None:
        """Takes the number of processes; 0 for one per core."""
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done.

        Raises:
          EngineError: a process was killed; the next `map` starts new ones.
        """
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_prepare_worker)
        futures: dict[Future[Result], int] = {}
        try:
            futures |= {self._pool.submit(function, job): position for position, job in enumerate(jobs)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            self._pool = None
            raise EngineError("a process was killed (out of memory?): run again, what is finished is kept") from None
        finally:
            for future in futures:
                future.cancel()


def _prepare_worker() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a traceback of its own
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


class RayCluster:
    """A Ray cluster: the one at RAY_ADDRESS, or this machine alone.

    Pictures, weights and cache are read and written by path: every machine must reach them under the same paths.
    """

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done, each with one core.

        Raises:
          EngineError: Ray is not installed, no cluster answers, or it lost a job for good.
        """
        ray = _import_ray()
        try:
            if not ray.is_initialized():
                ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False)
            remote = ray.remote(num_cpus=1)(_single_threaded).remote
            pending = {remote(function, job): position for position, job in enumerate(jobs)}
            while pending:
                (done,), _ = ray.wait(list(pending))
                yield pending.pop(done), ray.get(done)
        except ray.exceptions.RayTaskError:
            raise  # what the job itself raised
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise EngineError(f"Ray: {error}: run again, what is finished is kept") from None


def _single_threaded(function: Callable[[Job], Result], job: Job) -> Result:
    with one_thread():
        return function(job)


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise EngineError("ENGINE=ray needs Ray: pip install '.[cluster]'") from None
    return ray


ENGINES: dict[str, Callable[[], Engine]] = {"local": Processes, "ray": RayCluster}
"""Engines by the name the command line takes."""
