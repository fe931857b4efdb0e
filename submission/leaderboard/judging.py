"""The local leaderboard: any number of entries, and whom they are compared with, picture by picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from eval.metrics import Figure
from eval.pictures import picture_size
from eval.problems import Problem
from eval.report import Contestant, comparison_sheet, picture_table
from eval.storage import write_atomically
from rate_control.allocation import TableAllocation

from .baseline_rows import set_score, write_decoded
from .entries import Contest, EntryError, Result, TeamEntry, judge


def picture_pixels(files: Sequence[Path]) -> dict[str, int]:
    """Pixels of each picture by its name without suffix."""
    return {file.stem: math.prod(picture_size(file)) for file in files}


def judge_all(entries: Sequence[TeamEntry], contest: Contest) -> tuple[dict[str, list[Result]], list[Problem]]:
    """The results of all entries by target, and what forbade others."""
    results: dict[str, list[Result]] = {target: [] for target in contest.budgets}
    problems: list[Problem] = []
    pairs = [(entry, target) for target in contest.budgets for entry in entries]
    for entry, target in tqdm(pairs, desc="entries", unit="target"):
        try:
            results[target].append(judge(entry, target, contest))
        except EntryError as error:
            problems += error.problems
    return results, problems


def other_contestant(
    name: str, results: Sequence[Result], fitted: Mapping[str, TableAllocation], contest: Contest, target: str
) -> Contestant | None:
    """Who the entries are compared with: one of them, or a codec whose choices are coded again; None has no result."""
    for result in results:
        if result.row.team == name:
            return result.contestant
    if name not in fitted:
        return None
    pictures = write_decoded(name, fitted[name], contest.originals, contest.pictures(name, target))
    return Contestant(name, set_score(fitted[name], contest.rules), pictures)


def write_sheets(
    results: Sequence[Result], other: Contestant, target: str, originals: Path, folder: Path, figure: Figure
) -> None:
    """Writes a table and a sheet of each entry against another contestant, and prints where."""
    for result in results:
        ours, origin = result.contestant, result.row.provenance
        if ours is not other:
            stem = f"{ours.name}-{other.name}-{target}"
            table = picture_table(ours.score, other.score, figure)
            origins = table.assign(**asdict(origin) if origin else {})
            write_atomically(folder / f"{stem}.csv", origins.to_csv(index=False, float_format="%.5f").encode())
            write_atomically(folder / f"{stem}.png", comparison_sheet(originals, ours, other, figure))
            print(f"\n{target} bpp, {ours.name} against {other.name} ({folder / stem}.csv, .png)")
            print(table.to_string(index=False, float_format="{:.4f}".format))
