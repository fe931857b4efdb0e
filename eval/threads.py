"""Torch with a single thread, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import torch

_changing = Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """No threads within torch: sums have the same order everywhere, and small operations don't wait for each other.

    Only in the thread that asks, whatever others ask for meanwhile.
    """
    with _changing:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        if before > 1:  # torch gives threads that are made from now on the number that any thread set last
            with ThreadPoolExecutor(1) as other:
                other.submit(torch.set_num_threads, before).result()
    try:
        yield
    finally:
        with _changing:
            torch.set_num_threads(before)
