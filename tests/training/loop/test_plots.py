from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from training.commands.milestones import TABLE
from training.loop.plots import MilestonesError, plot_milestones, read_milestones


def test_milestones_are_drawn_from_their_table(tmp_path: Path) -> None:
    table = read_milestones(TABLE)
    assert table["hours"].is_monotonic_increasing
    plot_milestones(table, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.width > 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "milestone,against VTM (%)\n1,2\n",
        "hours,against VTM (%)\n1,well\n",
        'hours,"against\n1,2\n',
        "hours\n1,2,3\n4\n5,6,7,8\n",
    ],
)
def test_damaged_milestones_are_one_named_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(MilestonesError, match="cannot be read as a table of milestones"):
        read_milestones(tmp_path / "table.csv")
