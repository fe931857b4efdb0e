from __future__ import annotations

from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest

from tests import fuzz
from tests.fuzz import FAILED, golden, outcome, run
from tests.mutated_files import READERS
from tests.mutations import mutated

SEED = 7
STREAMS = 300


def test_no_mutated_stream_ends_in_an_unnamed_error(tmp_path: Path) -> None:
    outcomes = [outcome(SEED, number, tmp_path) for number in range(STREAMS)]
    assert not [text for text in outcomes if text.startswith(FAILED)]
    assert {"decoded", "PayloadError", "HeaderChecksum", "InvalidHeader", "DamagedZip"} <= set(outcomes)


def test_stream_depends_on_seed_and_number_alone() -> None:
    assert mutated(golden(), 1, 5) == mutated(golden(), 1, 5)
    assert len({mutated(golden(), seed, number) for seed in (1, 2) for number in range(20)}) > 30


@pytest.mark.long
def test_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    first = run(SEED, 3, tmp_path)
    both = run(SEED, 8, tmp_path)
    assert (first.done, both.done) == (3, 8)
    assert sum(both.outcomes.values()) == 8
    assert not both.failures
    assert 0 < both.peak_bytes < fuzz.MEMORY


@pytest.mark.parametrize(("error", "name"), [(ValueError("x"), "ValueError"), (MemoryError(), "MemoryError")])
def test_unnamed_error_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    def broken(*_: object) -> int:
        raise error

    monkeypatch.setattr(fuzz, "decode_server", broken)
    assert outcome(SEED, 0, tmp_path).startswith(f"{FAILED}: {name}")


def test_lost_and_hanging_processes_are_failures(tmp_path: Path) -> None:
    receiver, sender = Pipe(duplex=False)
    assert "hangs" in fuzz._next(receiver, 0.01)[0]
    sender.close()
    assert "died" in fuzz._next(receiver, 1)[0]


def test_no_mutated_file_ends_in_an_unnamed_error(tmp_path: Path) -> None:
    outcomes = [outcome(SEED, number, tmp_path, "files") for number in range(STREAMS)]
    assert not [text for text in outcomes if text.startswith(FAILED)]
    assert {f"{name} read" for name in READERS} <= set(outcomes)
    for name, reader in READERS.items():
        assert not reader.errors or any(text.startswith(name) and text != f"{name} read" for text in outcomes)


def test_reader_that_raises_what_it_does_not_name_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutated_files.READERS", {"table": replace(READERS["table"], errors=())})
    outcomes = [outcome(SEED, number, tmp_path, "files") for number in range(20)]
    assert any(text.startswith(f"{FAILED}: TableError") for text in outcomes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("reader", READERS)
def test_no_error_but_the_project_s_own_counts_as_a_named_one(reader: str) -> None:
    assert not [error for error in READERS[reader].errors if error.__module__ == "builtins"]


def test_run_over_no_inputs_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "--count", "0"])
    with pytest.raises(SystemExit) as stopped:
        fuzz.main()
    assert stopped.value.code == 2
