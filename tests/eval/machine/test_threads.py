from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from eval.machine import one_thread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def in_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_one_thread_stays_in_the_thread_that_asked() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
        assert in_new_thread() == 2
        with one_thread():
            pass
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert in_new_thread() == 2


def test_threads_that_ask_at_once_leave_later_ones_alone() -> None:
    together = Barrier(3, timeout=30)

    def ask(_: int) -> int:
        with one_thread():
            together.wait()
        return torch.get_num_threads()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [2, 2, 2]
    assert in_new_thread() == 2
