"""Removes what earlier runs keep on disk to be faster, and nothing else: not the wheels, nor the container.

Every run removes what was not used the longest by itself, where more is kept than CLIC_CACHE_LIMIT says (2GB).
"""

from __future__ import annotations

import argparse

from eval.storage import cache_root, empty_cache

EXAMPLES = """examples:
  python -m submission clean-cache                        .cache/
  CLIC_CACHE=other/ python -m submission clean-cache
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_arguments: argparse.Namespace) -> int:
    count, size = empty_cache()
    print(f"{cache_root()}: removed {count} files of {size} bytes")
    return 0
