"""Jobs on a Ray cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from eval.machine import one_thread

from .interface import Engine, EngineError, Job, Result

PATIENCE = 20
"""Seconds in which a cluster must answer."""

ASK_RAY = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False)"


class RayCluster(Engine):
    """A Ray cluster: the one at RAY_ADDRESS, or this machine alone.

    Pictures, weights and cache are read and written by path: every machine must reach them under the same paths.
    """

    def map(
        self, function: Callable[[Job], Result], jobs: Sequence[Job], homes: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Result]]:
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
