"""Packs a submission, rehearses the server's run and prints the leaderboard.

What the output folder holds is replaced once the rehearsal has succeeded. A run that was stopped goes on where it was:
no file is half written, and finished pictures are kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from decoder_pkg.errors import DecoderError
from encoder.cache import CandidateCache
from encoder.options import add_codec_option
from encoder.presets import preset
from encoder.weights import load_zoo, weight_folders
from eval.files import check_folder
from eval.leaderboard import Board, Row
from eval.metrics import Distortion, Metric, measured_metrics
from eval.pictures import PictureError
from eval.problems import Problem
from rate_control.allocation import InfeasibleBudget, TableError
from rate_control.engine import ENGINES, Engine, EngineError
from rate_control.options import (
    LIMITS_HELP,
    add_coding_options,
    add_limit_option,
    add_metric_options,
    add_targets_option,
    chosen_distortion,
)

from ..leaderboard import baseline_rows, decoder_report, fit_baselines, sweep_baselines, write_board
from ..options import add_dist_option, add_photographs_option, add_season_option
from ..package import (
    DECODER_ZIP,
    ORIGINALS,
    SUBMISSION_ZIP,
    BuildError,
    Busy,
    ForeignFiles,
    exclusive,
    pack_decoder,
    pack_submission,
    pack_targets,
    rebuilt,
    stage_originals,
)
from ..rehearsal import RehearsalError, conditions, rehearse_target, target_report, time_report
from ..seasons import Season, season

EXAMPLES = f"""examples:
  python -m submission submit                           the embedded photographs, all three targets
  python -m submission submit --images photos/          a folder of photographs
  python -m submission submit --images photos/ --targets 0.15
  python -m submission submit --preset medium           refine the latents: minutes for each megapixel
  python -m submission submit --preset best --engine ray    on the Ray cluster at RAY_ADDRESS
  python -m submission submit --season 2022             the rules of another year
  python -m submission submit --limit psnr=28: --limit bpp=:0.5    no picture below 28 dB or above 0.5 bpp
  python -m submission submit --codec mean-scale        a trained codec in place of the shipped models
  python -m submission submit --metric ms-ssim          the best MS-SSIM for the bytes, in place of PSNR

{LIMITS_HELP}"""

ERRORS = (
    PictureError,
    DecoderError,
    InfeasibleBudget,
    TableError,
    BuildError,
    RehearsalError,
    EngineError,
    Busy,
    ForeignFiles,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_photographs_option(parser)
    add_season_option(parser)
    add_targets_option(parser, None, "the season's")
    add_coding_options(parser)
    add_codec_option(parser)
    add_metric_options(parser)
    add_limit_option(parser)
    add_dist_option(parser)
    reports = Path("reports")
    parser.add_argument("--reports", type=Path, default=reports, help="folder for the leaderboard (default reports)")


def run(arguments: argparse.Namespace) -> int:
    with exclusive(arguments.dist), ENGINES[arguments.engine]() as engine:
        _submit(arguments, season(arguments.season), engine)
    return 0


def _submit(arguments: argparse.Namespace, rules: Season, engine: Engine) -> None:
    """Packs, rehearses and scores; what dist holds is replaced once the rehearsal has succeeded."""
    dist, targets = arguments.dist, arguments.targets or list(rules.targets)
    distortion = chosen_distortion(arguments)
    check_folder(arguments.reports, *([arguments.images] if arguments.images else []))
    names = [DECODER_ZIP, SUBMISSION_ZIP, *(f"{target}/{rules.data_name}" for target in targets)]
    with rebuilt(dist, names, whole=[ORIGINALS]) as new:
        zoo = load_zoo(*weight_folders(arguments.codec))
        print(decoder_report(pack_decoder(new, rules.decoder_limit, zoo.folders[0]), rules))
        files = stage_originals(arguments.images, new / ORIGINALS)
        coding = CandidateCache(), preset(arguments.preset), engine, rules
        budgets = pack_targets(zoo, files, targets, new, *coding, distortion, arguments.limit)
        pack_submission(new, targets, rules)
        rows = _rehearse(budgets, new, rules, measured_metrics(distortion))
    board, problems = _board(rows, budgets, dist / ORIGINALS, rules, engine, distortion)
    print(f"\n{write_board(board, rules, arguments.reports, problems, distortion.figure)}")


def _rehearse(budgets: dict[str, int], dist: Path, rules: Season, metrics: Sequence[Metric]) -> dict[str, Row]:
    """Decodes as the server would, target by target; returns the rows of the leaderboard."""
    rows = {}
    for target, budget in budgets.items():
        result = rehearse_target(dist, target, dist / ORIGINALS, budget, rules, metrics=metrics)
        print(f"\n{target_report(result)}")
        print(f"with {conditions(result.rehearsal, rules)}:\n{time_report([result.rehearsal], rules)}", flush=True)
        rows[target] = result.row(dist / DECODER_ZIP)
    return rows


def _board(
    rows: Mapping[str, Row],
    budgets: Mapping[str, int],
    originals: Path,
    rules: Season,
    engine: Engine,
    distortion: Distortion,
) -> tuple[Board, list[Problem]]:
    """The rows beside those of the conventional codecs, which take longest: AVIF needs minutes for a photograph."""
    swept = sweep_baselines(sorted(originals.glob("*.png")), engine=engine, distortion=distortion)
    board, problems = {}, []
    for target, row in rows.items():
        fitted, unfit = fit_baselines(swept, target, budgets[target], distortion)
        board[target] = [row, *baseline_rows(fitted, rules)]
        problems += unfit
    return board, problems
