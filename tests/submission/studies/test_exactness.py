from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from decoder_pkg.stream.safe_zip import unpack
from eval.command_line import call_module
from eval.machine import provenance
from submission.package.decoder_zip import WHEELS, build_decoder_zip
from submission.studies.exactness import (
    DecodingEnvironment,
    Outcome,
    ProbeError,
    lacking,
    largest_difference,
    probe,
    settings,
    table,
    violations,
)
from tests.paths import GOLDEN, ROOT

VERSIONS: dict[str, str | None] = {"python": "3.11", "numpy": "2", "torch": "2.13"}
HERE = DecodingEnvironment(Path(sys.executable))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decoder")
    (folder / "decoder.zip").write_bytes(build_decoder_zip(GOLDEN / "decoder", ROOT / WHEELS).data)
    unpack(folder / "decoder.zip", folder, 10**8)
    return folder


def test_probe_finds_the_golden_symbols_and_pictures(decoder: Path, tmp_path: Path) -> None:
    setting = replace(HERE, threads=2, instructions="SSE41")
    outcome = probe(setting, decoder, GOLDEN / "v2.clc", tmp_path / "out", GOLDEN)
    assert outcome.symbols == json.loads((GOLDEN / "v2.json").read_text())
    assert outcome.difference is not None
    assert outcome.difference <= 1
    assert violations([outcome]) == []


def test_environment_that_cannot_decode_is_not_left_out(decoder: Path, tmp_path: Path) -> None:
    with pytest.raises(ProbeError):
        probe(HERE, decoder, Path(__file__), tmp_path / "out", GOLDEN)


@pytest.mark.parametrize(
    "printed", ["", "hello", "{}", "[1]", '{"versions": {}, "symbols": {}}', '{"versions": 1, "symbols": 2}', "\\377"]
)
def test_program_that_is_no_python_is_named(tmp_path: Path, printed: str) -> None:
    other = tmp_path / "other"
    other.write_text(f"#!/bin/sh\nprintf '{printed}\\n'\n")
    other.chmod(0o755)
    with pytest.raises(ProbeError, match=r"other printed no result.*--python"):
        probe(DecodingEnvironment(other), tmp_path, tmp_path, tmp_path / "out", tmp_path)


def test_program_that_cannot_be_run_is_named_before_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no-program").touch()
    for path in (tmp_path / "none", tmp_path / "no-program", tmp_path):
        with pytest.raises(ProbeError, match="cannot be run"):
            probe(DecodingEnvironment(path), tmp_path, tmp_path, tmp_path / f"out-{path.name}", tmp_path)
        with pytest.raises(SystemExit):
            call_module("e", "submission.commands.exactness", [f"--output={tmp_path}/e.md", "--python", str(path)])
        assert f"--python {path}: there is no program" in capsys.readouterr().err


def test_other_symbols_and_two_levels_are_violations() -> None:
    first = Outcome(HERE, VERSIONS, {"a": "1"}, 0)
    assert violations([first, replace(first, difference=1), replace(first, difference=None)]) == []
    (symbols,) = violations([first, replace(first, symbols={"a": "2"})])
    (pixels,) = violations([first, replace(first, difference=2)])
    assert "other symbols" in symbols
    assert "off by 2" in pixels


def test_table_does_not_hide_what_differs_or_could_not_be_run() -> None:
    first = Outcome(HERE, VERSIONS, {"a": "1"}, 0)
    bare = Outcome(HERE, VERSIONS | {"torch": None}, {"a": "2"}, None)
    text = table([first, bare], ["CUDA: none"], provenance(None, "beef"))
    assert "models beef" in text
    assert text.count("identical") == 1
    assert "**differ** | not decoded" in text
    assert "- CUDA: none" in text


@pytest.mark.parametrize(("capability", "absent"), [("DEFAULT", 2), ("AVX2", 1), ("AVX512", 0)])
def test_every_thread_count_meets_every_instruction_set_that_the_processor_has(
    capability: str, absent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    rows = [row for row in settings(HERE.python, [Path("other")]) if row.device == "cpu"]
    assert len(lacking()) == absent
    assert len({(row.threads, row.instructions) for row in rows[:-1]}) == 3 * (4 - absent)
    assert rows[-1].python == Path("other")
    assert rows[1].environment["ONEDNN_MAX_CPU_ISA"] == "SSE41"


def test_largest_difference_is_over_all_samples(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (10, 20, 30)).save(tmp_path / "a.png")
    Image.new("RGB", (3, 2), (10, 27, 29)).save(tmp_path / "b.png")
    assert largest_difference(tmp_path / "a.png", tmp_path / "b.png") == 7
