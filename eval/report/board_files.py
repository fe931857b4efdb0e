"""A leaderboard as Markdown and as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from ..leaderboard import PUBLISHED, Board, average_table, leaderboard
from ..metrics import PSNR, Figure
from ..problems import Problem
from .figures import plt, png

INCHES_PER_LINE = 0.27
GREY = "#6a6a6a"
HEAD_COLOUR = "#dde6f0"


def board_tables(board: Board, columns: Sequence[str], figure: Figure = PSNR) -> dict[str, pd.DataFrame]:
    """One table per target, and that of the average where there is more than one, by title."""
    tables = {f"{target} bpp": leaderboard(rows, columns, figure) for target, rows in board.items()}
    if len(board) > 1:
        tables[f"{figure.name}, average of the targets"] = average_table(board, figure)
    return tables


def markdown_table(table: pd.DataFrame) -> str:
    """A table in Markdown; every cell is text."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def board_markdown(board: Board, tables: Mapping[str, pd.DataFrame], problems: Sequence[Problem]) -> str:
    """All tables, the problems that forbade rows, the sources, and how each row was measured."""
    parts = [f"## {title}\n\n{markdown_table(table)}" for title, table in tables.items()]
    if problems:
        parts.append("## Problems\n\n" + "\n".join(f"- {one.where}: {_indented(one.message)}" for one in problems))
    rows = [(target, row) for target, rows in board.items() for row in rows]
    if sources := sorted({row.source for _, row in rows if row.source}):
        parts.append("Published rows: " + "; ".join(sources) + ".")
    measured = [
        {"Team": row.team, "target": target, **asdict(row.provenance), "settings": row.settings}
        for target, row in rows
        if row.provenance
    ]
    if measured:
        origins = pd.DataFrame(measured, dtype=object).fillna("")
        parts.append(f"## How the rows were measured\n\n{markdown_table(origins)}")
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> str:
    """Further lines stay within their item of a list."""
    return text.replace("\n", "\n  ")


def board_plot(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """All tables below each other as a PNG; published rows are grey and slanted."""
    heights = [len(table) + 2.5 for table in tables.values()]
    figure, axes = plt.subplots(
        len(tables), figsize=(14, INCHES_PER_LINE * sum(heights)), squeeze=False, height_ratios=heights
    )
    for axis, (title, table) in zip(axes[:, 0], tables.items(), strict=True):
        axis.axis("off")
        axis.set_title(title, loc="left", fontweight="bold", fontsize=11)
        if not table.empty:
            _draw(axis, table)
    figure.tight_layout()
    return png(figure)


def _draw(axis: plt.Axes, table: pd.DataFrame) -> None:
    """Draws one table over the whole of its axis."""
    lines = len(table) + 1
    drawn = axis.table(table.to_numpy().tolist(), colLabels=list(table.columns), bbox=(0, 0, 1, 1), edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    for (line, column), cell in drawn.get_celld().items():
        cell.set_height(1 / lines)
        cell.set_text_props(ha="left" if column == 0 else "right")
        if line == 0:
            cell.set_facecolor(HEAD_COLOUR)
            cell.set_text_props(fontweight="bold")
        elif str(table.iat[line - 1, 0]).endswith(PUBLISHED):
            cell.set_text_props(color=GREY, fontstyle="italic")
