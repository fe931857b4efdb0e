"""Ranks submissions and folders of decoded pictures as the competition does."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from encoder.pictures import find_set
from eval.baselines import installed
from eval.command_line import OptionError
from eval.leaderboard import PUBLISHED
from eval.metrics import measured_metrics
from eval.pictures import PictureError
from eval.problems import Problem, failed
from eval.published import published_rows
from eval.storage import check_folder
from rate_control.allocation import TableError, budget_bytes
from rate_control.engines import Engine, EngineError, Processes
from rate_control.options import add_metric_options, add_targets_option, chosen_distortion

from ..leaderboard import (
    BaselineSet,
    Contest,
    Tables,
    TeamEntry,
    baseline_rows,
    fit_baselines,
    judge_all,
    other_contestant,
    picture_pixels,
    write_board,
    write_sheets,
)
from ..options import NONE, QUICK, add_baselines_option, add_photographs_option, add_season_option
from ..package import Busy, exclusive, reading, stage_originals
from ..seasons import season

EXAMPLES = """examples:
  python -m submission leaderboard ours=dist                            the embedded photographs, as `make submission`
  python -m submission leaderboard --images photos/ ours=dist/submission.zip theirs=theirs/submission.zip
  python -m submission leaderboard --images photos/ ours=dist decoded=folder/ --baselines none
  python -m submission leaderboard --images photos/ ours=dist --sheet AVIF    crops of the worst and best pictures
  python -m submission leaderboard --images photos/ ours=dist --metric ms-ssim    ranked by MS-SSIM

An entry is a submission.zip or a folder with decoder.zip and <target>/bs.zip: it is rehearsed first, so its decoder is
run, without network and without the converted originals; what else is on this machine it can read. Any other folder
holds decoded pictures: <target>/*.png, and <target>/bs.zip, whose size counts, or <target>/bytes.txt with the count.
What breaks a rule is listed as a problem and gets no row.
"""
ERRORS = (PictureError, EngineError, TableError, Busy)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("entries", nargs="+", type=parse_entry, metavar="NAME=PATH", help="see below")
    add_photographs_option(parser)
    add_season_option(parser)
    add_targets_option(parser, None, "the season's")
    add_metric_options(parser)
    add_baselines_option(parser)
    parser.add_argument("--sheet", metavar="NAME", help="compare each entry with this codec or entry, by picture")
    parser.add_argument("--output", type=Path, default=Path("reports/leaderboard"), help="folder for tables and plots")


def run(arguments: argparse.Namespace) -> int:
    codecs = [baseline.name for baseline in installed()]
    names = [entry.name for entry in arguments.entries]
    if len({*names, *codecs}) < len(names) + len(codecs):
        raise OptionError(f"entries need different names, other than {', '.join(codecs)}")
    if arguments.sheet and arguments.sheet not in names + codecs:
        raise OptionError(f"--sheet {arguments.sheet}: there are {', '.join(names + codecs)}")
    photographs = find_set(arguments.images) if arguments.images else None
    paths = [entry.path for entry in arguments.entries]
    check_folder(arguments.output, *paths, *([arguments.images] if arguments.images else []))
    with (
        exclusive(arguments.output),
        reading(*paths),
        Processes() as engine,
        tempfile.TemporaryDirectory() as name,
    ):
        originals = stage_originals(photographs, Path(name) / "originals")
        problems = _rank(arguments, codecs, originals, engine)
    return 1 if failed(problems) else 0


def _rank(arguments: argparse.Namespace, codecs: Sequence[str], files: Sequence[Path], engine: Engine) -> list[Problem]:
    """Ranks, prints and writes everything; returns what forbade rows."""
    output, rules, distortion = arguments.output, season(arguments.season), chosen_distortion(arguments)
    pixels = picture_pixels(files)
    targets = arguments.targets or list(rules.targets)
    budgets = {target: budget_bytes(sum(pixels.values()), target) for target in targets}
    metrics = measured_metrics(distortion)
    contest = Contest(files[0].parent, budgets, rules, output / "decoded", metrics)
    results, problems = judge_all(arguments.entries, contest)
    wanted = [name for name in codecs if arguments.baselines != NONE or name == arguments.sheet]
    tables: Tables = {}
    if wanted:
        quick = arguments.baselines == QUICK
        swept = BaselineSet(files, None, engine, wanted, distortion, quick)
        tables = swept.choose(list(budgets.values()))
    fitted = {}
    for target, budget in budgets.items():
        fitted[target], unfit = fit_baselines(tables, target, budget, distortion)
        problems += unfit
    published = published_rows(pixels, targets)
    board = {
        target: [*(r.row for r in results[target]), *baseline_rows(fitted[target], rules), *published[target]]
        for target in targets
    }
    print(write_board(board, rules, output, problems, distortion.figure))
    if arguments.sheet:
        for target in targets:
            if other := other_contestant(arguments.sheet, results[target], fitted[target], contest, target):
                write_sheets(results[target], other, target, contest.originals, output, distortion.figure)
    return problems


def parse_entry(text: str) -> TeamEntry:
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
    return TeamEntry(name, Path(path))
