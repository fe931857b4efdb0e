"""The table of post-filters: which kinds a manifest may name."""

from __future__ import annotations

from typing import Any

from .interface import PostFilter
from .linear import LinearFilter

FILTERS: dict[str, type[PostFilter[Any]]] = {kind.name: kind for kind in (LinearFilter,)}
