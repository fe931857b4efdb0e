from __future__ import annotations

from pathlib import Path

import pytest

from eval.storage import cache_folder, is_sealed, load_rows, save_rows, seal

ROWS = [{"payload": "AAECAw==", "squared_error": 12345}, {"payload": "", "squared_error": 0}]


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    save_rows(tmp_path / "a", ROWS)
    assert load_rows(tmp_path / "a") == ROWS
    assert load_rows(tmp_path / "missing") is None


def test_damage_anywhere_in_a_file_is_noticed(tmp_path: Path) -> None:
    save_rows(tmp_path / "a", ROWS)
    data = (tmp_path / "a").read_bytes()
    for position in range(len(data)):
        for damaged in (data[:position], data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]):
            (tmp_path / "a").write_bytes(damaged)
            assert load_rows(tmp_path / "a") is None


def test_rows_of_another_key_are_not_believed(tmp_path: Path) -> None:
    save_rows(tmp_path / "a", ROWS)
    (tmp_path / "a").rename(tmp_path / "b")
    assert load_rows(tmp_path / "b") is None


def test_file_that_changed_since_it_was_sealed_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    assert not is_sealed(path)
    seal(path)
    assert is_sealed(path)
    path.write_bytes(b"contents")
    assert not is_sealed(path)


def test_cache_lies_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder("encodings") == tmp_path / "elsewhere" / "encodings"
    monkeypatch.delenv("CLIC_CACHE")
    monkeypatch.chdir(tmp_path)
    assert cache_folder("encodings") == Path(".cache/encodings")


def test_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "file" / "cache"))
    folder = cache_folder("encodings")
    save_rows(folder / "a", ROWS)
    assert load_rows(cache_folder("encodings") / "a") == ROWS
    assert capsys.readouterr().err.count("cannot be written") == 1
