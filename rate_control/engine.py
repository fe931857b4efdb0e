"""Where the work on single pictures is done: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

import torch

from eval.machine import one_blas_thread, one_thread

Job = TypeVar("Job")
Result = TypeVar("Result")

PATIENCE = 20
"""Seconds in which a cluster must answer."""

ASK_RAY = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False)"


class EngineError(Exception):
    """The work cannot be distributed as asked, or a process that did a part of it is gone."""


class Engine(ABC):
    """Runs a function over jobs; as a context manager it ends what it started."""

    @abstractmethod
    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done."""

    def start(self) -> None:  # noqa: B027 - most have nothing to start
        """Prepares for jobs that will surely come, while the caller goes on."""

    def close(self) -> None:  # noqa: B027 - most start nothing
        """Ends what was started, also jobs that still run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Here(Engine):
    """One job after another in this process, with one thread."""

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job, in order."""
        for position, job in enumerate(jobs):
            with one_thread():
                result = function(job)
            yield position, result


class Processes(Engine):
    """Parallel processes on this machine, one thread each, so that results don't depend on their number.

    They start with the first job, or before with `start`, stay for the next `map`, and end with `close` or the process
    that started them.
    """

    def __init__(self, workers: int = 0) -> None:
        """Takes the number of processes; 0 for one per core."""
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None
        self._alive: Connection | None = None

    def map(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done; an error ends the processes.

        Raises:
          EngineError: a process was killed; the next `map` starts new ones.
        """
        pool = self._pool or self._new_pool()
        futures: dict[Future[Result], int] = {}
        try:
            with _deaf_to_interrupts():  # the processes start here, and end by `close` alone
                futures |= {pool.submit(function, job): position for position, job in enumerate(jobs)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            self.close()
            raise EngineError("a process was killed (out of memory?): run again, what is finished is kept") from None
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Starts the processes, which load torch meanwhile."""
        pool = self._pool or self._new_pool()
        with _deaf_to_interrupts():
            for _ in range(self._workers):
                pool.submit(_load_jobs)

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        watched, self._alive = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self._workers, context, _prepare_worker, (watched,))
        return self._pool

    def close(self) -> None:
        """Ends the processes at once; what they had not finished is lost."""
        if self._pool and self._alive:
            self._alive.close()
            self._pool.shutdown(cancel_futures=True)
            self._pool = self._alive = None


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ctrl-C waits; processes that are started meanwhile never hear of it, and so print no traceback of their own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(watched: Connection) -> None:
    torch.set_num_threads(1)
    one_blas_thread().__enter__()
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()


def _load_jobs() -> None:
    """Imports what nearly all jobs need."""
    importlib.import_module(f"{__package__}.jobs")


def _end_with_parent(watched: Connection) -> None:
    """Ends this process when the other end of the pipe is closed, as by the end of who holds it."""
    watched.poll(None)
    os._exit(1)


class RayCluster(Engine):
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
            _connect(ray)
            remote = ray.remote(num_cpus=1)(_single_threaded).remote
            pending = {remote(function, job): position for position, job in enumerate(jobs)}
            while pending:
                (done,), _ = ray.wait(list(pending))
                yield pending.pop(done), ray.get(done)
        except ray.exceptions.RayTaskError:
            raise  # what the job itself raised
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise EngineError(f"Ray: {error}: run again, what is finished is kept") from None


def _connect(ray: Any) -> None:
    """Connects this process to the cluster, unless it is.

    Raises:
      EngineError: nothing answers at RAY_ADDRESS.
    """
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    if address and not _answers(address):
        raise EngineError(f"Ray: no cluster answers at RAY_ADDRESS={address}: start it, or correct the address")
    ray.init(address=address, log_to_driver=False)


def _answers(address: str) -> bool:
    """Whether a cluster is there. Ray itself would wait for one for ever, out of reach of a signal: a process asks."""
    try:
        asked = subprocess.run([sys.executable, "-c", ASK_RAY, address], timeout=PATIENCE, capture_output=True)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


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
