from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.training.runs import SMOKE
from training.export.trained import load_run
from training.run_folder import ORIGIN, RunError


def test_hours_of_cores_and_of_gpus_are_counted_apart(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    (tmp_path / ORIGIN).write_text(json.dumps({"iterations": 1000, "hours": 2.0, "gpu_hours": 0.5}))
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    for device, hours in (("cpu", [3.0, 0.5]), ("cuda", [2.0, 1.5])):
        torch.save(state | {"seconds": {"cpu": 0.0, "cuda": 0.0, device: 3600.0}}, tmp_path / "checkpoint.pt")
        record = load_run(tmp_path).record
        assert [record["hours"], record["gpu_hours"]] == hours
        assert record["iterations"] == 1000 + SMOKE.iterations


def test_weights_of_a_run_that_diverged_are_not_exported(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    next(iter(state["average"].values())).fill_(torch.inf)
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(RunError, match="no finite numbers"):
        load_run(tmp_path)
