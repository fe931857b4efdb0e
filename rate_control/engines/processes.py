"""Jobs in parallel processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch

from eval.machine import one_blas_thread

from .interface import Engine, EngineError, Job, Result

LOADED = "rate_control.jobs"
"""What nearly all jobs need: it is imported once, by the process that all others are copies of."""


class Processes(Engine):
    """Parallel processes on this machine, one thread each, so that results don't depend on their number.

    They start with the first job, or before with `start`, stay for the next `map`, and end with `close` or the process
    that started them. Each takes jobs of its own homes first, then those of none, then another's.
    """

    def __init__(self, workers: int = 0) -> None:
        """Takes the number of processes; 0 for one per core."""
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pools: list[ProcessPoolExecutor] = []
        self._owners: dict[Hashable, int] = {}
        self._alive: Connection | None = None

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], homes: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done; an error ends the processes.

        Raises:
          EngineError: a process was killed; the next `map` starts new ones.
        """
        try:
            yield from self._results(function, jobs, dict(enumerate(homes or [None] * len(jobs))))
        except BrokenProcessPool:
            self.close()
            raise EngineError("a process was killed (out of memory?): run again, what is finished is kept") from None
        except BaseException:
            self.close()
            raise

    def _results(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], waiting: dict[int, Hashable]
    ) -> Iterator[tuple[int, Result]]:
        """Gives each process that has nothing to do one of the jobs that wait, by position, with their homes."""
        running: dict[Future[Result], tuple[int, int]] = {}
        idle = list(range(self._workers))
        while waiting or running:
            with _deaf_to_interrupts():  # the processes start here, and end by `close` alone
                self._open()
                while waiting and idle:
                    worker = idle.pop(0)
                    position = self._nearest(waiting, worker)
                    running[self._pools[worker].submit(function, jobs[position])] = position, worker
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                position, worker = running.pop(future)
                idle.append(worker)
                yield position, future.result()

    def _nearest(self, waiting: dict[int, Hashable], worker: int) -> int:
        """Takes a job for a process: of a home that it knows, else of one that none knows, else of any."""

        def distance(position: int) -> int:
            owner = self._owners.get(waiting[position])
            return 0 if owner == worker else 1 if owner is None else 2

        position = min(waiting, key=distance)
        if (home := waiting.pop(position)) is not None:
            self._owners[home] = worker
        return position

    def start(self) -> None:
        """Starts the processes, which load torch meanwhile."""
        with _deaf_to_interrupts():
            self._open()
            for pool in self._pools:
                pool.submit(os.getpid)

    def _open(self) -> None:
        if self._pools:
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([LOADED])
        watched, self._alive = context.Pipe(duplex=False)
        self._pools = [ProcessPoolExecutor(1, context, _prepare_worker, (watched,)) for _ in range(self._workers)]

    def close(self) -> None:
        """Ends the processes at once; what they had not finished is lost."""
        if self._alive:
            self._alive.close()
            for pool in self._pools:
                pool.shutdown(cancel_futures=True)
            self._pools, self._owners, self._alive = [], {}, None


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


def _end_with_parent(watched: Connection) -> None:
    """Ends this process when the other end of the pipe is closed, as by the end of who holds it."""
    watched.poll(None)
    os._exit(1)
