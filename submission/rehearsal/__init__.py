"""The server's run, rehearsed."""

from .run import CONTAINER, PICTURE, Rehearsal, can_isolate, container_ready, run_decoder
from .target import RehearsalError, TargetResult, rehearse_target

__all__ = [
    "CONTAINER",
    "PICTURE",
    "Rehearsal",
    "RehearsalError",
    "TargetResult",
    "can_isolate",
    "container_ready",
    "rehearse_target",
    "run_decoder",
]
