from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from tests.training.runs import SMOKE
from training.config import TrainConfig, load_config
from training.settings import ALLOWED, MOST, ConfigError

WRONG = (
    "batch = 0",
    'batch = "4"',
    "batch = true",
    "batch = 100000000",
    "batch = 5\ncrop = 16000",
    "crop = 100",
    "crop = 0",
    "iterations = 1e1",
    "iterations = -6",
    "warmup = -1",
    "noise_iterations = -1",
    "evaluate_every = 0",
    "gain_low = -1",
    "gain_high = 60",
    "muon_lr = -1.0",
    "adam_lr = nan",
    "clip = inf",
    "clip = 0",
    "ema = 1.5",
    "decay = 2",
    "table_factor = -1",
    "seed = -1",
    f"seed = {'9' * 400}",
    "rank = -1",
    "rank = 3",
    "from_model = 256",
    "architecture = 3",
    'architecture = "none"',
    'architecture = "av1"',
    'distortion = "vmaf"',
    "architecture_changes = 3",
    "architecture_changes = {width9 = 4}",
    "architecture_changes = {width8 = 0}",
    "architecture_changes = {latent_channels = 6}",
    'architecture_changes = {context = "none"}',
    "iteration = 5",
)


@pytest.mark.parametrize("line", WRONG)
def test_value_that_cannot_be_is_refused_with_file_and_field(tmp_path: Path, line: str) -> None:
    (tmp_path / "run.toml").write_text(line)
    with pytest.raises(ConfigError, match=rf"run\.toml: .*{line.split()[0]}"):
        load_config(tmp_path / "run.toml")


def test_all_wrong_fields_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("batch = 0\ncrop = 100\n")
    with pytest.raises(ConfigError, match=r"batch = 0 must be a whole number from 1 .*crop = 100 must be .*of 16"):
        load_config(tmp_path / "run.toml")


def test_gains_in_reverse_are_refused_not_trained() -> None:
    with pytest.raises(ConfigError, match="gain_low = 40 must be at most gain_high = 3"):
        replace(SMOKE, gain_low=40, gain_high=3)


def test_width_that_a_codec_does_not_have_is_refused() -> None:
    assert replace(SMOKE, architecture="smoke-quadtree", architecture_changes={"embed_width": 8})
    with pytest.raises(ConfigError, match=r"no such fields: architecture_changes\.embed_width"):
        replace(SMOKE, architecture="smoke", architecture_changes={"embed_width": 8})


@pytest.mark.parametrize(
    "content", [b"iterations = ", b"\xff\xfe", b"x = " + 10_000 * b"["], ids=["toml", "utf-8", "deep"]
)
def test_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"run\.toml: "):
        load_config(tmp_path / "run.toml")


@pytest.mark.parametrize("content", ["[1, 2]", "7", '{"batch": []}', '{"batch": null}', "{"])
def test_damaged_configuration_of_a_run_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match=r"config\.json: "):
        load_config(tmp_path / "config.json")


def test_configuration_of_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    config = replace(SMOKE, from_model=3, rank=2, architecture_changes={"width8": 24})
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    assert load_config(tmp_path / "config.json") == config


def test_every_field_says_what_it_may_hold() -> None:
    assert all(ALLOWED in field.metadata for field in fields(TrainConfig))
    assert TrainConfig(iterations=MOST, clip=1).clip == 1
