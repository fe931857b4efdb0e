from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import skimage.data
from PIL import Image

from encoder.weights import Zoo
from rate_control.engine import Here
from submission import trials
from submission.trials import PLAIN, ROUNDED, run, table


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    Image.fromarray(skimage.data.coffee()[:64, :80]).save(tmp_path / "one.png")
    Image.fromarray(skimage.data.astronaut()[:80, :64]).save(tmp_path / "two.png")
    return sorted(tmp_path.glob("*.png"))


def test_every_setting_is_compared_with_plain_rounding(golden_zoo: Zoo, files: list[Path], tmp_path: Path) -> None:
    found = run(files, [PLAIN, ROUNDED, ("local", 3)], golden_zoo, tmp_path / "trials.csv", Here())
    assert len(found) == 2 * 3 * len(trials.GAINS)
    rows = table(found)
    delta = dict(zip(rows["method"], rows["BD-rate (%)"].tolist(), strict=True))
    assert delta[PLAIN[0]] == pytest.approx(0)
    assert delta["local"] < 0
    assert (rows["pictures"] == 2).all()


def test_known_trials_are_not_made_again(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "trials.csv"
    first = run(files[:1], [PLAIN], golden_zoo, output, Here())
    made = []
    original = trials.run_job

    def watched(job: trials.TrialJob) -> list[trials.Trial]:
        made.append(job.file.stem)
        return original(job)

    monkeypatch.setattr(trials, "run_job", watched)
    run(files, [PLAIN], golden_zoo, output, Here())
    assert made == ["two"]
    kept = pd.read_csv(output)
    assert kept[kept["picture"] == "one"]["bytes"].tolist() == first["bytes"].tolist()
