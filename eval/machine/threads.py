"""Torch, or NumPy's products, with a single thread, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from threading import Lock

import torch
from threadpoolctl import ThreadpoolController

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


class _OneBlasThread:
    """Counts who asks: the first sets the limit of the process, and the last takes it away."""

    def __init__(self) -> None:
        self._lock, self._asking, self._limit = Lock(), 0, ExitStack()
        self._libraries = ThreadpoolController()

    def enter(self) -> None:
        with self._lock:
            self._asking += 1
            if self._asking == 1:
                self._limit.enter_context(self._libraries.limit(limits=1, user_api="blas"))

    def leave(self) -> None:
        with self._lock:
            self._asking -= 1
            if not self._asking:
                self._limit.close()


@lru_cache(maxsize=1)
def _blas() -> _OneBlasThread:
    return _OneBlasThread()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """No threads within NumPy's products, in the whole process: on shared cores small ones wait for each other."""
    _blas().enter()
    try:
        yield
    finally:
        _blas().leave()
