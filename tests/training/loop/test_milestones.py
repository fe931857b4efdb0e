from __future__ import annotations

from pathlib import Path

import pandas as pd
from PIL import Image

from training.commands.milestones import TABLE
from training.loop.plots import plot_milestones


def test_milestones_are_drawn_from_their_table(tmp_path: Path) -> None:
    table = pd.read_csv(TABLE)
    assert table["hours"].is_monotonic_increasing
    plot_milestones(table, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.width > 400
