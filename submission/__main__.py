"""Command line of the submission."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from decoder_pkg.errors import DecoderError
from encoder.cache import CandidateCache
from encoder.presets import PRESETS, preset
from encoder.weights import load_zoo
from eval.command_line import run_command
from eval.files import OutputError, check_folder
from eval.leaderboard import Board, Row
from eval.pictures import PictureError
from eval.problems import Problem
from rate_control.allocation import InfeasibleBudget, Metric, TableError
from rate_control.engine import ENGINES, Engine, EngineError
from rate_control.options import LIMITS_HELP, add_limit_option, add_metric_options, add_targets_option, chosen_metric

from . import rehearse
from .check import whole as check
from .leaderboard import baseline_rows, decoder_report, fit_baselines, sweep_baselines, target_report, write_board
from .package import (
    DECODER_ZIP,
    ORIGINALS,
    SUBMISSION_ZIP,
    BuildError,
    Busy,
    ForeignFiles,
    clean,
    exclusive,
    pack_decoder,
    pack_submission,
    pack_targets,
    rebuilt,
    stage_originals,
)
from .rehearsal import RehearsalError, rehearse_target
from .rehearse import conditions, time_report
from .seasons import DEFAULT_SEASON, SEASONS, Season, season

EXAMPLES = """examples:
  python -m submission                           the embedded photographs, all three targets
  python -m submission --images photos/          a folder of photographs
  python -m submission --images photos/ --targets 0.15
  python -m submission --preset medium           refine the latents: minutes for each megapixel (README.md, Presets)
  python -m submission --preset best --engine ray    on the Ray cluster at RAY_ADDRESS
  python -m submission --season 2022             the rules of another year
  python -m submission --limit psnr=28: --limit bpp=:0.5    no picture below 28 dB or above 0.5 bpp
  python -m submission --metric ms-ssim          the best MS-SSIM for the bytes, in place of PSNR
  python -m submission --only-decoder            build dist/decoder.zip and print its size and sha256
  python -m submission --clean                   remove what earlier runs wrote into dist/
  python -m submission check dist/               list every problem of a submission
  python -m submission rehearse                  run the packed decoder as the server would, three times
  python -m submission freeze                    from now on the decoder must stay as it is
"""
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
    OutputError,
)
"""What can be wrong with the input or the machine; everything else but a full disk is a bug."""


def main() -> int:
    """Returns the exit code: 0 when every target was packed and rehearsed."""
    if sys.argv[1:2] == ["check"]:
        return check.main(sys.argv[2:])
    if sys.argv[1:2] in (["rehearse"], ["freeze"]):
        return rehearse.main(sys.argv[1:])
    arguments = _parser().parse_args()
    try:
        if arguments.clean:
            clean(arguments.dist)
            return 0
        with exclusive(arguments.dist):
            if arguments.only_decoder:
                _build_decoder(arguments.dist, season(arguments.season))
            else:
                with ENGINES[arguments.engine]() as engine:
                    _submit(arguments, season(arguments.season), engine)
    except ERRORS as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{type(error).__name__}: {error}: make room or fix it, and run again; no file is half written, "
              "and finished pictures are kept", file=sys.stderr)  # fmt: skip
        return 1
    return 0


def _build_decoder(dist: Path, rules: Season) -> None:
    with rebuilt(dist, [DECODER_ZIP], keep=True) as new:
        print(decoder_report(pack_decoder(new, rules.decoder_limit), rules))


def _submit(arguments: argparse.Namespace, rules: Season, engine: Engine) -> None:
    """Packs, rehearses and scores; what dist holds is replaced once the rehearsal has succeeded."""
    dist, targets = arguments.dist, arguments.targets or list(rules.targets)
    check_folder(arguments.reports, *([arguments.images] if arguments.images else []))
    names = [DECODER_ZIP, SUBMISSION_ZIP, *(f"{target}/{rules.data_name}" for target in targets)]
    with rebuilt(dist, names, whole=[ORIGINALS]) as new:
        print(decoder_report(pack_decoder(new, rules.decoder_limit), rules))
        files = stage_originals(arguments.images, new / ORIGINALS)
        coding = CandidateCache(), preset(arguments.preset), engine, rules
        metric = chosen_metric(arguments)
        budgets = pack_targets(load_zoo(), files, targets, new, *coding, metric, arguments.limit)
        pack_submission(new, targets, rules)
        rows = _rehearse(budgets, new, rules)
    board, problems = _board(rows, budgets, dist / ORIGINALS, rules, engine, metric)
    print(f"\n{write_board(board, rules, arguments.reports, problems, metric.quality)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m submission",
        description="Packs a submission, rehearses the server's run and prints the leaderboard.",
        epilog=EXAMPLES + LIMITS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, help="folder of photographs (default: scikit-image's)")
    years = [rules.year for rules in SEASONS]
    parser.add_argument("--season", type=int, choices=years, default=DEFAULT_SEASON, help="rules (default 2021)")
    add_targets_option(parser, None, "the season's")
    presets = [row.name for row in PRESETS]
    parser.add_argument("--preset", choices=presets, default=presets[0], help="encoding time (default fast)")
    parser.add_argument("--engine", choices=list(ENGINES), default="local", help="where pictures are coded")
    add_metric_options(parser)
    add_limit_option(parser)
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="output folder (default dist)")
    reports = Path("reports")
    parser.add_argument("--reports", type=Path, default=reports, help="folder for the leaderboard (default reports)")
    parser.add_argument("--only-decoder", action="store_true", help="stop after decoder.zip")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs wrote into --dist, nothing else")
    return parser


def _rehearse(budgets: dict[str, int], dist: Path, rules: Season) -> dict[str, Row]:
    """Decodes as the server would, target by target; returns the rows of the leaderboard."""
    rows = {}
    for target, budget in budgets.items():
        result = rehearse_target(dist, target, dist / ORIGINALS, budget, rules)
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
    metric: Metric,
) -> tuple[Board, list[Problem]]:
    """The rows beside those of the conventional codecs, which take longest: AVIF needs minutes for a photograph."""
    swept = sweep_baselines(sorted(originals.glob("*.png")), engine=engine)
    board, problems = {}, []
    for target, row in rows.items():
        fitted, unfit = fit_baselines(swept, target, budgets[target], metric)
        board[target] = [row, *baseline_rows(fitted, rules)]
        problems += unfit
    return board, problems


if __name__ == "__main__":
    run_command(main)
