"""The server's run, rehearsed."""

from .isolation import can_isolate
from .report import conditions, target_report, time_report
from .run import CONTAINER, PICTURE, Rehearsal, container_ready, run_decoder
from .target import RehearsalError, TargetResult, rehearse_all, rehearse_target
