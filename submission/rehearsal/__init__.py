"""The server's run, rehearsed."""

from .report import conditions, target_report, time_report
from .run import CONTAINER, PICTURE, Rehearsal, can_isolate, container_ready, run_decoder
from .target import RehearsalError, TargetResult, rehearse_all, rehearse_target

__all__ = [
    "CONTAINER",
    "PICTURE",
    "Rehearsal",
    "RehearsalError",
    "TargetResult",
    "can_isolate",
    "conditions",
    "container_ready",
    "rehearse_all",
    "rehearse_target",
    "run_decoder",
    "target_report",
    "time_report",
]
