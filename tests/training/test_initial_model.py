"""A run that starts from a shipped model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
import skimage.data
import torch
from PIL import Image

from encoder.models import Zoo
from tests.training.runs import SMOKE
from training.commands import train
from training.data import CropSet
from training.export import read_origin
from training.initial_model import initial_model
from training.settings import ConfigError

WIDTHS = ("latent_channels", "width4", "width8", "width16", "feature_width")
HYPER_WIDTHS = ("hyper_channels", "hyper_width", "hyper_analysis_width")


@pytest.fixture(autouse=True)
def _golden_models(golden_zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny models are the shipped ones: 7 with a causal context, 8 with a quadtree."""
    monkeypatch.setattr("training.initial_model.load_zoo", lambda: golden_zoo)


HYPER = {"hyper_analysis", "hyper_synthesis", "prior"}


@pytest.mark.parametrize(
    ("architecture", "taken"),
    [
        ("smoke", {"analysis", "synthesis", "context"} | HYPER),
        ("smoke-quadtree", {"analysis", "synthesis"} | HYPER),
        ("smoke-mean-scale", {"analysis", "synthesis"} | HYPER),
        ("smoke-factorised", {"analysis", "synthesis"}),
    ],
)
def test_run_takes_the_weights_that_fit_and_no_others(golden_zoo: Zoo, architecture: str, taken: set[str]) -> None:
    config = replace(SMOKE, architecture=architecture, from_model=7)
    row, model = initial_model(config, Path("run.toml"))
    origin = golden_zoo.models[7].floats.state_dict()
    states = {name: network.state_dict(prefix=f"{name}.") for name, network in model.named_children()}
    alike = {
        name
        for name, state in states.items()
        if state and all(key in origin and torch.equal(value, origin[key]) for key, value in state.items())
    }
    assert (row["id"], row["name"]) == (7, "smoke")
    assert alike == taken
    assert model.arch == config.build_architecture()


def test_model_of_which_no_network_fits_is_refused() -> None:
    """Biases of the picture's samples fit every model, and are no start."""
    config = replace(SMOKE, from_model=7, architecture_changes=dict.fromkeys((*WIDTHS, *HYPER_WIDTHS), 12))
    with pytest.raises(ConfigError, match=r"run\.toml: nothing of from_model = 7, smoke, fits"):
        initial_model(config, Path("run.toml"))


def test_prior_of_hyper_latents_is_no_start_for_that_of_as_many_latents(golden_zoo: Zoo) -> None:
    channels = golden_zoo.models[7].floats.static_priors["hyper_prior"].state_dict()
    config = replace(SMOKE, architecture="smoke-factorised", from_model=7, architecture_changes={"latent_channels": 8})
    _, model = initial_model(config, Path("run.toml"))
    (prior,) = model.static_priors.values()
    assert {name: value.shape for name, value in prior.state_dict().items()} == {
        name: value.shape for name, value in channels.items()
    }
    assert not any(torch.equal(value, channels[name]) for name, value in prior.state_dict().items() if value.any())


def test_prepared_run_begins_with_the_weights_of_the_other_model(
    golden_zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crops: CropSet
) -> None:
    monkeypatch.setattr(train, "CropSet", lambda folder: crops)
    Image.fromarray(skimage.data.chelsea()[:64, :64]).save(tmp_path / "one.png")
    (tmp_path / "run.toml").write_text('architecture = "smoke-factorised"\nfrom_model = 8\ncrop = 64\n')
    paths = {"config": tmp_path / "run.toml", "run": tmp_path / "run", "data": tmp_path, "evaluation": tmp_path}
    trainer = train.prepare(argparse.Namespace(**paths, every=1))
    shortcut = golden_zoo.models[8].floats.get_submodule("analysis.shortcut")
    weights = trainer.model.get_submodule("analysis.shortcut")
    assert torch.equal(weights.state_dict()["weight"], shortcut.state_dict()["weight"])
    assert read_origin(tmp_path / "run")["id"] == 8
