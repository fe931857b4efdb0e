"""The server's run, rehearsed."""

from .report import conditions, target_report, time_report
from .run import CONTAINER, PICTURE, Rehearsal, can_isolate, container_ready, run_decoder
from .target import RehearsalError, TargetResult, rehearse_all, rehearse_target
