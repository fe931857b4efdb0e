"""What `check` must find in a decoder's code, before and by starting it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from decoder_pkg.stream.safe_zip import unpack
from submission.check import code as check_code
from submission.check.code import code_problems
from submission.rehearsal import can_isolate
from submission.seasons import MAX_UNPACKED, season

RULES = season(2021)
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def decoder(dist: Path, tmp_path: Path) -> Path:
    """An unpacked decoder."""
    unpack(dist / "decoder.zip", tmp_path / "decoder", MAX_UNPACKED)
    return tmp_path / "decoder"


def found(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Problems of the code without starting it."""
    monkeypatch.setattr(check_code, "_start_problems", lambda *_: [])
    return [problem.message for problem in code_problems(decoder, RULES, NOTHING, "decoder.zip")]


def test_packed_decoder_has_no_fault(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(decoder, monkeypatch) == []


@pytest.mark.parametrize(
    "name", ["pixels/render.py", "codecs/transforms/residual.py", "pixels/filters/linear_apply.py", "errors.py"]
)
def test_module_that_only_pixels_need_is_missed_before_it_is_needed(
    decoder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (decoder / "decoder_pkg" / name).unlink()
    (text,) = found(decoder, monkeypatch)
    module = name.removesuffix(".py").replace("/", ".")
    assert text.startswith(f"has no module decoder_pkg.{module}, which decoder_pkg/")


@pytest.mark.parametrize("line", ["from ..outside import x", "from ...json import x", "import " + "x" * 10**5])
def test_import_that_nothing_can_answer_is_named(decoder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    path = decoder / "decoder_pkg/decoder.py"
    path.write_text(f"{line}\n{path.read_text()}".replace("from __future__ import annotations\n", ""))
    (text,) = found(decoder, monkeypatch)
    assert re.match(r"has no module .*, which decoder_pkg/decoder.py imports", text)


def test_entry_script_of_another_language_is_no_python_source(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (decoder / "decode").rename(decoder / "real_decode")
    (decoder / "decode").write_text('#!/bin/sh\nexec python3 "$(dirname "$0")/real_decode" "$@"\n')
    (decoder / "decode").chmod(0o755)
    assert found(decoder, monkeypatch) == []


@pytest.mark.parametrize("content", [b"def (", b"x = '\xff'", b"\0", b"(" * 10**5, b"#" * 2**21])
def test_source_that_is_none_is_named(decoder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    (decoder / "decoder_pkg/pixels/render.py").write_bytes(content)
    (text,) = found(decoder, monkeypatch)
    assert text.startswith("decoder_pkg/pixels/render.py is no Python source: ")


def test_interpreter_line_that_ends_as_on_windows_is_an_error(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = decoder / "decode"
    entry.write_bytes(entry.read_bytes().replace(b"\n", b"\r\n"))
    assert found(decoder, monkeypatch) == [
        "the first line of decode ends as on Windows: no interpreter has such a name"
    ]


def test_missing_range_coder_is_an_error_with_and_without_the_wheels(
    decoder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.rmtree(decoder / "vendor")
    assert "has no vendor/constriction/__init__.py" in found(decoder, monkeypatch)
    monkeypatch.setattr(check_code, "WHEELS", tmp_path / "none")
    (text,) = found(decoder, monkeypatch)
    assert text.startswith("has no module constriction, which decoder_pkg/")


def test_range_coder_of_one_python_alone_is_an_error(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, damaged = sorted((decoder / "vendor/constriction").glob("*.so"))[:2]
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    names = [f"vendor/constriction/{path.name}" for path in (lost, damaged)]
    assert found(decoder, monkeypatch) == [
        f"has no {names[0]}",
        f"{names[1]} is not what the range coder's wheel holds",
    ]


def test_decoder_is_started_without_data(decoder: Path) -> None:
    (decoder / "bs.zip").write_bytes(b"not the decoder's")
    problems = [str(problem) for problem in code_problems(decoder, RULES, frozenset({"bs.zip"}), "decoder.zip")]
    isolated = [] if can_isolate(()) else ["warning: decoder.zip: ./decode was not started"]
    assert [text[: len(line)] for text, line in zip(problems, isolated, strict=True)] == isolated


@pytest.mark.skipif(not can_isolate(()), reason="no namespaces here: nothing is started")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "ended with 0 and does not say that data is missing, but: nothing"),
        ("import decoder_pkg.errors as e; e.Nothing", "ended with 1 and does not say that data is missing, but: Attri"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was stopped and does not say"),
    ],
)
def test_decoder_that_does_nothing_is_an_error(decoder: Path, script: str, said: str) -> None:
    (decoder / "decode").write_text(f"#!/usr/bin/env python3\n{script}\n")
    (problem,) = code_problems(decoder, RULES, NOTHING, "decoder.zip")
    assert said in problem.message


def test_decoder_is_not_started_where_it_cannot_be_isolated(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_code, "can_isolate", lambda _: False)
    monkeypatch.setattr(check_code, "run_decoder", None)
    (problem,) = code_problems(decoder, RULES, NOTHING, "decoder.zip")
    assert "was not started" in str(problem)
