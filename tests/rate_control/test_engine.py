from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.presets import Preset
from rate_control.engines import Engine, EngineError, Here, Processes, RayCluster, ray_cluster
from rate_control.jobs import PresetRefinement
from rate_control.set_coder import SetCoder
from tests.rate_control.conftest import SMALL_BUDGET

QUICK = PresetRefinement(Preset("quick", "local", 3, 0, 1, (), (8,), 1, 0.05))


def process_of(seconds: float) -> tuple[int, int]:
    time.sleep(seconds)
    return os.getpid(), torch.get_num_threads()


def fail_on_two(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number


def test_processes_work_in_parallel_with_one_thread_each() -> None:
    results = dict(Processes(2).map(process_of, [1.0, 1.0]))
    assert sorted(results) == [0, 1]
    assert len({pid for pid, _ in results.values()} | {os.getpid()}) == 3
    assert {threads for _, threads in results.values()} == {1}


@pytest.mark.parametrize("engine", [Here(), Processes(2)], ids=["here", "processes"])
def test_failure_of_a_job_is_not_lost(engine: Engine) -> None:
    with pytest.raises(ValueError, match="two"):
        list(engine.map(fail_on_two, [1, 2, 3]))


def test_processes_stay_for_the_next_jobs() -> None:
    engine = Processes(1)
    assert len({pid for _ in range(2) for _, (pid, _) in engine.map(process_of, [0.0, 0.0])}) == 1


def test_jobs_of_one_home_go_to_the_process_that_knows_it() -> None:
    """Else every picture would be analysed once in each process."""
    homes, places = ["a", "b", "c", "d"], dict[str, set[int]]()
    with Processes(2) as engine:
        for order in (homes, homes[::-1], homes[2:] + homes[:2]):
            for position, (pid, _) in engine.map(process_of, [0.2] * 4, order):
                places.setdefault(order[position], set()).add(pid)
    assert len(set.union(*places.values())) == 2
    assert sum(map(len, places.values())) <= 5  # one may be helped out with


def test_job_of_another_home_is_taken_before_a_process_has_nothing_to_do() -> None:
    with Processes(2) as engine:
        ((_, (owner, _)),) = engine.map(process_of, [0.0], ["a"])
        pids = {pid for _, (pid, _) in engine.map(process_of, [1.0, 1.0], ["a", "a"])}
    assert owner in pids
    assert len(pids) == 2


def kill_itself(number: int) -> int:
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.long
def test_killed_process_is_named_and_replaced() -> None:
    engine = Processes(1)
    with pytest.raises(EngineError, match="killed"):
        list(engine.map(kill_itself, [0, 1]))
    assert list(engine.map(kill_itself, [1])) == [(0, 1)]


STARTER = """
from rate_control.engines import Processes
from tests.rate_control.test_engine import process_of
for _, (pid, _) in Processes(2).map(process_of, [0.0, 0.0, 60.0]):
    print(pid, flush=True)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_with_the_one_that_started_them(number: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as starter:
        assert starter.stdout
        workers = {int(starter.stdout.readline()) for _ in range(2)}
        if number == signal.SIGINT:  # a terminal tells all of them
            for pid in workers:
                os.kill(pid, number)
        starter.send_signal(number)
        starter.wait(20)
    assert not any(is_running(pid) for pid in workers)


def is_running(pid: int) -> bool:
    for _ in range(100):
        if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        time.sleep(0.1)
    return True


def archive(zoo: Zoo, files: list[Path], cache: Path, engine: Engine) -> bytes:
    coder = SetCoder(zoo, files, CandidateCache(cache), engine=engine)
    coder.prepare([SMALL_BUDGET], refined=True)
    return coder.fill(SMALL_BUDGET, QUICK, 0.05).data


@pytest.fixture(scope="module")
def expected(golden_zoo: Zoo, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return archive(golden_zoo, files, tmp_path_factory.mktemp("here"), Here())


def test_processes_yield_the_same_bytes(golden_zoo: Zoo, files: list[Path], tmp_path: Path, expected: bytes) -> None:
    assert archive(golden_zoo, files, tmp_path, Processes(2)) == expected


class Interrupted:
    """An engine that is killed after some jobs."""

    def __init__(self, jobs: int) -> None:
        self.left = jobs

    def map(self, function: object, jobs: object, homes: object) -> Iterator[tuple[int, object]]:
        for row in Here().map(function, jobs):  # type: ignore[arg-type,var-annotated]
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield row


@pytest.mark.long
@pytest.mark.parametrize("jobs", [0, 2, 4])
def test_killed_run_goes_on_and_ends_with_the_same_bytes(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, expected: bytes, jobs: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        archive(golden_zoo, files, tmp_path, Interrupted(jobs))  # type: ignore[arg-type]
    assert len(list(tmp_path.iterdir())) > 0
    assert archive(golden_zoo, files, tmp_path, Here()) == expected


@pytest.mark.parametrize("ask", ["import time; time.sleep(60)", "raise SystemExit(1)"], ids=["silence", "refusal"])
def test_address_where_no_cluster_answers_is_named_in_time(monkeypatch: pytest.MonkeyPatch, ask: str) -> None:
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr(ray_cluster, "ASK_RAY", ask)
    monkeypatch.setattr(ray_cluster, "PATIENCE", 1)
    with pytest.raises(EngineError, match=r"RAY_ADDRESS=10\.0\.0\.1:6379"):
        list(RayCluster().map(fail_on_two, [1]))


FAILING = """
import sys
from rate_control.engines import Processes
from tests.rate_control.test_engine import process_of
with Processes(2) as engine:
    jobs = engine.map(process_of, [0.0, 600.0, 600.0])
    print(next(jobs)[1][0], flush=True)
    if sys.argv[1] == "fails":
        sys.exit("one line")
    input()
"""


@pytest.mark.long
def test_error_ends_running_jobs_before_it_is_shown() -> None:
    command = [sys.executable, "-c", FAILING, "fails"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (1, "one line\n")
    assert not is_running(int(result.stdout))


@pytest.mark.long
def test_interrupt_of_the_terminal_leaves_no_traceback_of_a_worker() -> None:
    command = [sys.executable, "-c", FAILING, "waits"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout
        assert process.stderr
        worker = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        error = process.stderr.read()
    assert error.count("Traceback") == 1  # of the script above, which is no command
    assert "Process" not in error
    assert not is_running(worker)


def test_missing_ray_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(EngineError, match="pip install"):
        ray_cluster._import_ray()


@pytest.mark.long
def test_two_node_cluster_yields_the_same_bytes(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", root)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        # Its processes work elsewhere: what is named from here must be found there too.
        monkeypatch.chdir(files[0].parent)
        names = [Path(file.name) for file in files]
        assert archive(golden_zoo, names, Path(os.path.relpath(tmp_path)), RayCluster()) == expected
        with pytest.raises(EngineError, match="Ray"):
            list(RayCluster().map(kill_itself, [0]))
    finally:
        __import__("ray").shutdown()
        cluster.shutdown()


def loaded(_: int) -> tuple[int, bool]:
    return os.getpid(), "encoder.picture_coder" in sys.modules


def test_processes_that_are_started_early_do_the_jobs_and_have_loaded_what_they_need() -> None:
    with Processes(2) as engine:
        engine.start()
        engine.start()
        started = {pid for pool in engine._pools for pid in pool._processes}
        results = dict(engine.map(loaded, [0, 1, 2]))
        assert {pid for pid, _ in results.values()} <= started
        assert len(started) == 2
        assert all(ready for _, ready in results.values())
