from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from encoder.models import Zoo
from tests.seeded import SMOKE_ARCHITECTURES, seeded_floats
from tests.training.runs import SMOKE, trainer
from training.data import CropSet
from training.settings import ConfigError
from training.tasks import TASKS

CONFIG = replace(SMOKE, task="entropy-model", architecture="smoke-quadtree", iterations=12, noise_iterations=0)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_entropy_model_alone_is_trained_where_that_is_asked_for(
    golden_zoo: Zoo, tmp_path: Path, crops: CropSet, task: str
) -> None:
    origin = golden_zoo.models[8].floats
    run = trainer(tmp_path, crops, replace(CONFIG, task=task), deepcopy(origin).requires_grad_())
    run.run()
    before = origin.state_dict()
    moved = {name.partition(".")[0] for name, value in run.model.state_dict().items() if (value != before[name]).any()}
    entropy = {"hyper_analysis", "hyper_synthesis", "context", "prior"}
    assert moved == entropy | (set() if task == "entropy-model" else {"analysis", "synthesis"})


@pytest.mark.parametrize("name", sorted(SMOKE_ARCHITECTURES))
def test_entropy_model_of_every_codec_is_trained_between_its_transforms(
    tmp_path: Path, crops: CropSet, name: str
) -> None:
    origin = seeded_floats(name)
    config = replace(CONFIG, architecture=name, iterations=2, batch=2, crop=64)
    run = trainer(tmp_path, crops, config, deepcopy(origin).requires_grad_())
    run.run()
    before = origin.state_dict()
    moved = {key.partition(".")[0] for key, value in run.model.state_dict().items() if (value != before[key]).any()}
    networks = {child for child, module in origin.named_children() if any(True for _ in module.parameters())}
    assert moved == networks - {"analysis", "synthesis"}


def test_entropy_model_learns_to_take_fewer_bits(golden_zoo: Zoo, tmp_path: Path, crops: CropSet) -> None:
    model = deepcopy(golden_zoo.models[8].floats).requires_grad_()
    with torch.no_grad():
        for weight in model.get_submodule("hyper_synthesis").parameters():
            weight.zero_()
    run = trainer(tmp_path, crops, replace(CONFIG, iterations=60, adam_lr=3e-3), model)
    before = run.task.evaluate(run.average, run.evaluation)
    run.run()
    after = run.task.evaluate(run.average, run.evaluation)
    assert all(new.bpp < 0.97 * old.bpp for new, old in zip(after, before, strict=True))


def test_entropy_model_without_transforms_to_keep_is_refused(tmp_path: Path, crops: CropSet) -> None:
    with pytest.raises(ConfigError, match="needs from_model"):
        trainer(tmp_path, crops, CONFIG)


def test_task_that_does_not_exist_is_refused_before_training(tmp_path: Path, crops: CropSet) -> None:
    with pytest.raises(ConfigError, match=r"task = 'guessing' must be one of rate-distortion, entropy-model"):
        trainer(tmp_path, crops, replace(SMOKE, task="guessing"))
    assert not list(tmp_path.iterdir())
