"""Where the work on single pictures is done: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Self, TypeVar

from eval.machine import one_thread

Job = TypeVar("Job")
Result = TypeVar("Result")


class EngineError(Exception):
    """The work cannot be distributed as asked, or a process that did a part of it is gone."""


class Engine(ABC):
    """Runs a function over jobs; as a context manager it ends what it started."""

    @abstractmethod
    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], homes: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job as it is done.

        Args:
          function: of a job.
          jobs: to be done.
          homes: of each job: those of one home had better run in the process that knows it from before.
        """

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

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], homes: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Result]]:
        """Yields the position and result of each job, in order."""
        for position, job in enumerate(jobs):
            with one_thread():
                result = function(job)
            yield position, result
