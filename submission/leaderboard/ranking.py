"""The local leaderboard: any number of entries, and conventional codecs, on any pictures."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from eval.baselines import installed
from eval.command_line import run_command
from eval.files import check_folder, write_atomically
from eval.leaderboard import PUBLISHED
from eval.pictures import PictureError, picture_size
from eval.problems import Problem, failed
from eval.published import published_rows
from eval.quality import Quality
from eval.report import Contestant, comparison_sheet, picture_table
from rate_control.allocation import TableAllocation, TableError, budget_bytes
from rate_control.engine import Engine, EngineError, Processes
from rate_control.options import add_metric_options, add_targets_option, chosen_metric

from ..package import Busy, exclusive, stage_originals
from ..seasons import DEFAULT_SEASON, SEASONS, season
from .baseline_rows import baseline_rows, fit_baselines, set_score, sweep_baselines, write_decoded
from .entries import Contest, Entry, EntryError, Result, judge
from .report import write_board

EXAMPLES = """examples:
  python -m submission.leaderboard.ranking ours=dist                            the embedded photographs, as `make submission`
  python -m submission.leaderboard.ranking --images photos/ ours=dist/submission.zip theirs=theirs/submission.zip
  python -m submission.leaderboard.ranking --images photos/ ours=dist decoded=folder/ --baselines
  python -m submission.leaderboard.ranking --images photos/ ours=dist --sheet AVIF    crops of the worst and best pictures
  python -m submission.leaderboard.ranking --images photos/ ours=dist --baselines --metric ms-ssim    ranked by MS-SSIM

An entry is a submission.zip or a folder with decoder.zip and <target>/bs.zip: it is rehearsed first, so its decoder is
run, without network and without the converted originals; what else is on this machine it can read. Any other folder
holds decoded pictures: <target>/*.png, and <target>/bs.zip, whose size counts, or <target>/bytes.txt with the count.
What breaks a rule is listed as a problem and gets no row.
"""


def parse_entry(text: str) -> Entry:
    """Reads NAME=PATH.

    Raises:
      argparse.ArgumentTypeError: the text has another form, the name cannot name a folder, or the path does not exist.
    """
    name, equals, path = text.partition("=")
    if not equals or not name or "/" in name or name.startswith("."):
        raise argparse.ArgumentTypeError(f"{text!r} is no entry like ours=dist")
    if name.endswith(PUBLISHED.strip()):
        raise argparse.ArgumentTypeError(f"{name!r} would look like a published row: choose another name")
    try:
        Path(path).stat()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} of {name}: {error.strerror}") from None
    return Entry(name, Path(path))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m submission.leaderboard.ranking",
        description="Ranks submissions and folders of decoded pictures as the competition does.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("entries", nargs="+", type=parse_entry, metavar="NAME=PATH", help="see below")
    parser.add_argument("--images", type=Path, help="folder of photographs (default: scikit-image's)")
    years = [rules.year for rules in SEASONS]
    parser.add_argument("--season", type=int, choices=years, default=DEFAULT_SEASON, help="rules (default 2021)")
    add_targets_option(parser, None, "the season's")
    add_metric_options(parser)
    parser.add_argument("--baselines", action="store_true", help="conventional codecs at the same budgets")
    parser.add_argument("--sheet", metavar="NAME", help="compare each entry with this codec or entry, by picture")
    parser.add_argument(
        "--output", type=Path, default=Path("reports/leaderboard"), help="folder for tables and pictures"
    )
    return parser


def main() -> int:
    """Returns the exit code: 0 when every entry has a row at every target."""
    parser = _parser()
    arguments = parser.parse_args()
    codecs = [baseline.name for baseline in installed()]
    names = [entry.name for entry in arguments.entries]
    if len({*names, *codecs}) < len(names) + len(codecs):
        parser.error(f"entries need different names, other than {', '.join(codecs)}")
    if arguments.sheet and arguments.sheet not in names + codecs:
        parser.error(f"--sheet {arguments.sheet}: there are {', '.join(names + codecs)}")
    try:
        inputs = [entry.path for entry in arguments.entries] + ([arguments.images] if arguments.images else [])
        check_folder(arguments.output, *inputs)
        with exclusive(arguments.output), Processes() as engine, tempfile.TemporaryDirectory() as name:
            problems = _run(arguments, codecs, Path(name) / "originals", engine)
    except (PictureError, EngineError, TableError, Busy, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 1 if failed(problems) else 0


def _run(arguments: argparse.Namespace, codecs: Sequence[str], originals: Path, engine: Engine) -> list[Problem]:
    """Ranks, prints and writes everything; returns what forbade rows."""
    output, rules, metric = arguments.output, season(arguments.season), chosen_metric(arguments)
    files = stage_originals(arguments.images, originals)
    pixels = picture_pixels(files)
    targets = arguments.targets or list(rules.targets)
    budgets = {target: budget_bytes(sum(pixels.values()), target) for target in targets}
    contest = Contest(originals, budgets, rules, output / "decoded")
    results, problems = judge_all(arguments.entries, contest)
    wanted = [name for name in codecs if arguments.baselines or name == arguments.sheet]
    tables = sweep_baselines(files, engine=engine, codecs=wanted) if wanted else {}
    fitted = {}
    for target, budget in budgets.items():
        fitted[target], unfit = fit_baselines(tables, target, budget, metric)
        problems += unfit
    published = published_rows(pixels, targets)
    board = {
        target: [*(r.row for r in results[target]), *baseline_rows(fitted[target], rules), *published[target]]
        for target in targets
    }
    print(write_board(board, rules, output, problems, metric.quality))
    if arguments.sheet:
        for target in targets:
            if other := _other(arguments.sheet, results[target], fitted[target], contest, target):
                write_sheets(results[target], other, target, contest.originals, output, metric.quality)
    return problems


def picture_pixels(files: Sequence[Path]) -> dict[str, int]:
    """Pixels of each picture by its name without suffix."""
    return {file.stem: math.prod(picture_size(file)) for file in files}


def judge_all(entries: Sequence[Entry], contest: Contest) -> tuple[dict[str, list[Result]], list[Problem]]:
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


def _other(
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
    results: Sequence[Result], other: Contestant, target: str, originals: Path, folder: Path, quality: Quality
) -> None:
    """Writes a table and a sheet of each entry against another contestant, and prints where."""
    for result in results:
        ours, origin = result.contestant, result.row.provenance
        if ours is not other:
            stem = f"{ours.name}-{other.name}-{target}"
            table = picture_table(ours.score, other.score, quality)
            origins = table.assign(**asdict(origin) if origin else {})
            write_atomically(folder / f"{stem}.csv", origins.to_csv(index=False, float_format="%.5f").encode())
            write_atomically(folder / f"{stem}.png", comparison_sheet(originals, ours, other, quality))
            print(f"\n{target} bpp, {ours.name} against {other.name} ({folder / stem}.csv, .png)")
            print(table.to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    run_command(main)
