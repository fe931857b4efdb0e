"""Torch with a single thread, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import torch

_changing = Lock()


def use_one_thread() -> int:
    """No threads within torch for the thread that asks, whatever others ask for meanwhile; returns how many it had."""
    with _changing:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        if before > 1:  # torch gives threads that are made from now on the number that any thread set last
            with ThreadPoolExecutor(1) as other:
                other.submit(torch.set_num_threads, before).result()
    return before


@contextmanager
def one_thread() -> Iterator[None]:
    """As `use_one_thread`, for a while: sums have the same order everywhere, and small operations need not wait."""
    before = use_one_thread()
    try:
        yield
    finally:
        with _changing:
            torch.set_num_threads(before)
