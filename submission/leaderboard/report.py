"""What `make submission` prints: the decoder's sizes, the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from decoder_pkg.models import load_bundle
from eval.leaderboard import Board, records
from eval.metrics import Figure
from eval.problems import Problem
from eval.report import board_markdown, board_plot, board_tables
from eval.storage import write_atomically

from ..package import ASK, DecoderZip, model_needs, needs_texts
from ..seasons import DEFAULT_COLUMNS, Season

BOARD = "leaderboard"


def decoder_report(package: DecoderZip, rules: Season, weights: Path) -> str:
    """Size per part against the season's limit, the digest that the competition compares, and what models need."""
    size, limit = len(package.data), rules.decoder_limit
    lines = [f"{part:<24}{count:>12,} bytes" for part, count in sorted(package.part_bytes.items())]
    known = "there is no limit" if rules.decoder_limit_known else "no limit is known"
    against = f"{100 * size / limit:.1f} % of {limit:,}" if limit else f"{known} for {rules.year}"
    lines.append(f"{'decoder.zip':<24}{size:>12,} bytes, {against}")
    lines.append(f"sha256 {package.sha256}")
    needed = needs_texts(model_needs(load_bundle(weights)), rules)
    lines += needed if rules.avif else [f"{text}: it codes no picture; {ASK}" for text in needed]
    return "\n".join(lines)


def write_board(board: Board, rules: Season, folder: Path, problems: Sequence[Problem], figure: Figure) -> str:
    """Writes leaderboard.csv, .md and .png of all targets into a folder; returns the tables for the terminal."""
    tables = board_tables(board, rules.columns or DEFAULT_COLUMNS, figure)
    write_atomically(folder / f"{BOARD}.csv", records(board, figure).to_csv(index=False).encode())
    write_atomically(folder / f"{BOARD}.md", board_markdown(board, tables, problems).encode())
    write_atomically(folder / f"{BOARD}.png", board_plot(tables))
    parts = [f"{title}\n{table.to_string(index=False)}" for title, table in tables.items()]
    notes = ["\n".join(map(str, problems))] if problems else []
    return "\n\n".join([*parts, *notes, f"{folder / BOARD}.csv, .md, .png"])
