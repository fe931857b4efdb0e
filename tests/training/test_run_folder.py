from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval.command_line import call_module
from eval.storage import replacing
from tests.paths import ROOT
from tests.training.runs import SMOKE, trainer
from training.commands import train
from training.data.crops import CropSet
from training.export.trained import load_run, read_origin
from training.log import COLUMNS, append_row, forget_rows_after, read_rows
from training.run_folder import CHECKPOINT, LOG, ORIGIN, RunError, exclusive


def changed(**parts: object) -> Callable[[Path], None]:
    """Replaces parts of a checkpoint."""

    def change(path: Path) -> None:
        torch.save(torch.load(path, weights_only=True) | parts, path)

    return change


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"checkpoint"),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "flipped": lambda path: path.write_bytes(bytes(255 - byte for byte in path.read_bytes())),
    "a list": lambda path: torch.save([1, 2], path),
    "a tensor": lambda path: torch.save(torch.zeros(3), path),
    "iteration": changed(iteration="many"),
    "negative": changed(iteration=-1),
    "seconds": changed(seconds={"cpu": "long", "cuda": 0.0}),
    "no seconds": changed(seconds=None),
    "weights": changed(model={"a": 1}, average={"a": 1}),
    "no weights": changed(model=None, average=3),
    "others": changed(model={}, average={}),
    "more": changed(more=1),
}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    folder = tmp_path_factory.mktemp("short")
    trainer(folder, crops, replace(SMOKE, iterations=4, evaluate_every=2)).run(until=2)
    return folder


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoint_is_named_by_trainer_and_export(
    short: Path, tmp_path: Path, crops: CropSet, kind: str
) -> None:
    shutil.copytree(short, tmp_path, dirs_exist_ok=True)
    DAMAGE[kind](tmp_path / CHECKPOINT)
    for use in (load_run, lambda folder: trainer(folder, crops, replace(SMOKE, iterations=4))):
        with pytest.raises(RunError, match=r"checkpoint\.pt is (damaged|of another configuration)"):
            use(tmp_path)


@pytest.mark.parametrize("optimizers", [[], None, [{}], [{"state": 1, "param_groups": []}]])
def test_damaged_state_of_the_optimisers_is_named(
    short: Path, tmp_path: Path, crops: CropSet, optimizers: object
) -> None:
    shutil.copytree(short, tmp_path, dirs_exist_ok=True)
    changed(optimizers=optimizers)(tmp_path / CHECKPOINT)
    with pytest.raises(RunError, match=r"checkpoint\.pt is damaged"):
        trainer(tmp_path, crops, replace(SMOKE, iterations=4))


def test_checkpoint_that_finds_no_room_is_an_error_that_says_so_and_the_one_before_stays(
    short: Path, tmp_path: Path, crops: CropSet
) -> None:
    shutil.copytree(short, tmp_path, dirs_exist_ok=True)
    training, before = trainer(tmp_path, crops, replace(SMOKE, iterations=4)), (tmp_path / CHECKPOINT).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            training.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("content", ["x", "iteration,loss\n1,2\n", f"{','.join(COLUMNS)}\n1,2\n", "\0\n", "1" * 10**6])
def test_damaged_log_is_named_before_training(tmp_path: Path, content: str) -> None:
    (tmp_path / LOG).write_text(content)
    with pytest.raises(RunError, match=r"log\.csv, row \d"):
        forget_rows_after(tmp_path / LOG, 5)


def test_row_of_a_log_is_added_and_forgotten_whole(tmp_path: Path) -> None:
    rows = [[number, *[0.5] * (len(COLUMNS) - 1)] for number in (1, 2, 3)]
    for row in rows:
        append_row(tmp_path / LOG, row)
    forget_rows_after(tmp_path / LOG, 2)
    assert [row[0] for row in read_rows(tmp_path / LOG)] == ["1", "2"]


@pytest.mark.parametrize("content", ["[]", "{", '{"hours": "many"}', '{"iterations": -1}', '{"gpu_hours": NaN}'])
def test_damaged_origin_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / ORIGIN).write_text(content)
    with pytest.raises(RunError, match=r"origin\.json is damaged"):
        read_origin(tmp_path)


def test_second_run_in_a_folder_is_turned_away_and_disturbs_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from training.run_folder import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])): print('has it', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "has it\n"
        with replacing(tmp_path / CHECKPOINT) as unfinished:
            unfinished.touch()
        unfinished.touch()  # as a run leaves it that is killed before it renames the file
        with pytest.raises(RunError, match="another run is using"), exclusive(tmp_path):
            pass
        assert unfinished.exists()
        first.communicate()
    (tmp_path / ".mine.partial").touch()
    with exclusive(tmp_path):
        assert not unfinished.exists()
    assert (tmp_path / ".mine.partial").exists()


def test_origin_of_a_start_that_failed_is_not_that_of_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], crops: CropSet
) -> None:
    """Hours of a model that the run does not start from would count for it."""
    monkeypatch.setattr(train, "CropSet", lambda folder: crops)
    monkeypatch.setattr(train, "load_pictures", lambda *_: trainer(tmp_path / "other", crops).evaluation)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ORIGIN).write_text('{"id": 1, "iterations": 9}')
    (tmp_path / "run.toml").write_text('architecture = "smoke"\ncrop = 128\niterations = 2\n')
    options = {"config": tmp_path / "run.toml", "run": tmp_path / "run"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    assert call_module("train", train.__name__, arguments) == 0
    assert load_run(tmp_path / "run").record["iterations"] == 2
    (tmp_path / "run.toml").write_text("from_model = 1\niterations = 4\n")
    assert call_module("train", train.__name__, arguments) == 1
    assert "from_model is not that of" in capsys.readouterr().err
