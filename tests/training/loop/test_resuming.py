from __future__ import annotations

import csv
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from encoder.codecs import float_codec
from tests.training.runs import SMOKE, trainer
from training.data.crops import CropSet
from training.export.trained import load_run
from training.loop.divergence import DivergenceError
from training.loop.trainer import Trainer, Values
from training.run_folder import CHECKPOINT, LOG


def test_resumed_run_ends_like_an_undisturbed_one(tmp_path: Path, crops: CropSet) -> None:
    config = replace(SMOKE, iterations=6)
    trainer(tmp_path / "whole", crops, config).run()
    trainer(tmp_path / "parts", crops, config).run(until=3)
    resumed = trainer(tmp_path / "parts", crops, config)
    assert resumed.iteration == 3
    resumed.run()
    whole, parts = (load_run(tmp_path / name).model.state_dict() for name in ("whole", "parts"))
    for name, value in whole.items():
        assert torch.allclose(value, parts[name], atol=1e-5), name


def test_process_that_cuts_batches_outlives_no_run_and_no_signal_to_the_group_ends_it(
    tmp_path: Path, crops: CropSet
) -> None:
    before = set(multiprocessing.active_children())
    training = trainer(tmp_path, crops, replace(SMOKE, iterations=6))
    training.step()
    (worker,) = set(multiprocessing.active_children()) - before
    assert worker.pid
    assert os.getpgid(worker.pid) != os.getpgid(0)
    worker.terminate()  # as a process does at its end with those that are left, and waits for them
    worker.join(10)
    assert worker.exitcode is not None


def test_resumed_run_takes_its_learning_rate_from_the_configuration(tmp_path: Path, crops: CropSet) -> None:
    trainer(tmp_path, crops, replace(SMOKE, iterations=4)).run(until=2)
    resumed = trainer(tmp_path, crops, replace(SMOKE, iterations=4, adam_lr=1e-6))
    assert resumed.iteration == 2
    assert resumed.updates.optimizers[0].param_groups[0]["peak"] == 1e-6


def test_resumed_run_moves_the_weights_whose_turn_it_is(tmp_path: Path, crops: CropSet) -> None:
    wide = {"width4": 32, "width8": 32, "width16": 32, "latent_channels": 32}  # Muon takes no narrower weights
    config = replace(SMOKE, iterations=4, architecture_changes=wide)
    training = trainer(tmp_path, crops, config)
    training.run(until=2)
    _, muon = training.updates.optimizers
    assert muon.param_groups[0]["turn"] == 1
    muon.param_groups[0]["turn"] = 0  # as updates leave it that a GPU replays
    training.save()
    assert trainer(tmp_path, crops, config).updates.optimizers[1].param_groups[0]["turn"] == 1


def test_run_that_was_killed_before_its_first_row_goes_on(tmp_path: Path, crops: CropSet) -> None:
    trainer(tmp_path, crops, replace(SMOKE, iterations=4)).run(until=2)
    (tmp_path / LOG).touch()
    trainer(tmp_path, crops, replace(SMOKE, iterations=4, evaluate_every=4)).run()
    with (tmp_path / LOG).open() as file:
        assert [row["iteration"] for row in csv.DictReader(file)] == ["4"]


def diverging(training: Trainer) -> Callable[[], Values]:
    step = training.step
    return lambda: step() | {"loss": 1.0 if training.iteration < 5 else 100.0}


def test_diverging_run_does_not_overwrite_its_last_good_checkpoint(
    tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(tmp_path, crops, replace(SMOKE, iterations=40))
    training.run(until=2)
    monkeypatch.setattr("training.loop.trainer.CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr("training.loop.trainer.UNREAD", 1)
    monkeypatch.setattr("training.loop.divergence.FEWEST", 1)
    monkeypatch.setattr(training, "step", diverging(training))
    with pytest.raises(DivergenceError, match=r"rose from 1 to 100 before iteration 5.*checkpoint\.pt"):
        training.run()
    assert trainer(tmp_path, crops, replace(SMOKE, iterations=40)).iteration == 4


def test_run_that_diverged_before_its_first_checkpoint_is_not_saved_as_healthy(
    tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(tmp_path, crops, replace(SMOKE, iterations=8))
    monkeypatch.setattr("training.loop.divergence.FEWEST", 4)
    monkeypatch.setattr(training, "step", diverging(training))
    with pytest.raises(DivergenceError, match="rose from 1 to 100 before iteration 8; nothing was saved: begin again"):
        training.run()
    assert not (tmp_path / CHECKPOINT).exists()


def test_stopped_run_ends_with_a_whole_iteration_and_repeats_no_row(tmp_path: Path, crops: CropSet) -> None:
    config = replace(SMOKE, iterations=8, evaluate_every=2)
    training = trainer(tmp_path / "stopped", crops, config)
    training.step = stops_after(training, 5)  # type: ignore[method-assign]
    training.run()
    assert training.iteration == 5
    log = tmp_path / "stopped" / LOG
    log.write_text(log.read_text() + "6" + log.read_text().splitlines()[-1][1:] + "\n")  # killed after it was written
    trainer(tmp_path / "stopped", crops, config).run()
    with log.open() as file:
        assert [int(row["iteration"]) for row in csv.DictReader(file)] == [2, 4, 6, 8]
    trainer(tmp_path / "whole", crops, config).run()
    whole, stopped = (load_run(tmp_path / name).model.state_dict() for name in ("whole", "stopped"))
    for name, value in whole.items():
        assert torch.allclose(value, stopped[name], atol=1e-5), name


def stops_after(training: Trainer, iterations: int) -> Callable[[], Values]:
    step = training.step

    def stopping() -> Values:
        values = step()
        if training.iteration == iterations:
            training.stop()
        return values

    return stopping


def test_resumed_run_is_exported_as_its_present_configuration_says(tmp_path: Path, crops: CropSet) -> None:
    trainer(tmp_path, crops, replace(SMOKE, iterations=4)).run(until=2)
    trainer(tmp_path, crops, replace(SMOKE, iterations=4, gain_low=8)).run()
    assert load_run(tmp_path).record["gains"] == [8, 48]


def test_configuration_that_does_not_fit_the_checkpoint_leaves_the_run_as_it_was(
    tmp_path: Path, crops: CropSet
) -> None:
    trainer(tmp_path, crops, replace(SMOKE, iterations=4)).run(until=2)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is damaged, or of another configuration"):
        trainer(tmp_path, crops, replace(SMOKE, architecture="smoke-quadtree"))
    assert load_run(tmp_path).record["iterations"] == 2


def test_model_to_start_from_is_not_trained_as_another_architecture(tmp_path: Path, crops: CropSet) -> None:
    model = float_codec(replace(SMOKE, architecture="smoke-quadtree").build_architecture())
    with pytest.raises(ValueError, match="to start from"):
        trainer(tmp_path, crops, initial=model)


def test_run_that_was_killed_before_its_first_checkpoint_repeats_no_row(
    tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SMOKE, iterations=4, evaluate_every=2)
    killed = trainer(tmp_path, crops, config)
    monkeypatch.setattr(killed, "save", lambda: None)
    killed.run()
    trainer(tmp_path, crops, config).run()
    with (tmp_path / LOG).open() as file:
        assert [row["iteration"] for row in csv.DictReader(file)] == ["2", "4"]
