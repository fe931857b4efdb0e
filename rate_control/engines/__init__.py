"""What runs the work on single pictures."""

from collections.abc import Callable

from .interface import Engine, EngineError, Here
from .processes import Processes
from .ray_cluster import RayCluster

ENGINES: dict[str, Callable[[], Engine]] = {"local": Processes, "ray": RayCluster}
"""Engines by the name the command line takes."""
