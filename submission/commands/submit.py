"""Packs a submission, rehearses the server's run and prints the leaderboard.

What the output folder holds is replaced once the rehearsal has succeeded. A run that was stopped goes on where it was:
no file is half written, and finished pictures are kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from decoder_pkg.errors import DecoderError
from encoder.candidates import CandidateCache
from encoder.models import add_codec_option, load_zoo, weight_folders
from encoder.pictures import find_set
from encoder.presets import Preset, preset
from eval.leaderboard import Board, Row
from eval.metrics import Distortion, Metric, measured_metrics
from eval.pictures import PictureError, pixels_of
from eval.problems import Problem
from eval.progress import Progress
from eval.storage import check_folder
from rate_control.allocation import InfeasibleBudget, TableError
from rate_control.engines import ENGINES, Engine, EngineError
from rate_control.jobs import expected_work
from rate_control.options import (
    LIMITS_HELP,
    add_coding_options,
    add_limit_option,
    add_metric_options,
    add_targets_option,
    chosen_distortion,
)

from ..leaderboard import (
    BaselineSet,
    Tables,
    baseline_rows,
    decoder_report,
    expected_baseline_work,
    fit_baselines,
    write_board,
)
from ..options import NONE, QUICK, add_baselines_option, add_dist_option, add_photographs_option, add_season_option
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
    set_pixels,
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
  python -m submission submit --avif                    the server's Pillow decodes AVIF: AV1 may code pictures
  python -m submission submit --limit psnr=28: --limit bpp=:0.5    no picture below 28 dB or above 0.5 bpp
  python -m submission submit --codec mean-scale        a trained codec in place of the shipped models
  python -m submission submit --metric ms-ssim          the best MS-SSIM for the bytes, in place of PSNR
  python -m submission submit --baselines quick         the conventional codecs' usual effort, not their best

{LIMITS_HELP}"""

ENCODING, REHEARSAL, BASELINES = "encoding", "rehearsal", "baselines"
"""Stages of a run."""

REHEARSAL_WORK = 8.0
"""Seconds of all cores together that the rehearsal of a megapixel takes, about."""

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
    parser.add_argument("--avif", action="store_true", help="the server's Pillow decodes AVIF: AV1 may code pictures")
    add_targets_option(parser, None, "the season's")
    add_coding_options(parser)
    add_codec_option(parser)
    add_metric_options(parser)
    add_limit_option(parser)
    add_baselines_option(parser)
    add_dist_option(parser)
    reports = Path("reports")
    parser.add_argument("--reports", type=Path, default=reports, help="folder for the leaderboard (default reports)")


def run(arguments: argparse.Namespace) -> int:
    check_folder(arguments.reports, *([arguments.images] if arguments.images else []))
    photographs = find_set(arguments.images) if arguments.images else None
    with exclusive(arguments.dist), ENGINES[arguments.engine]() as engine, Progress() as progress:
        engine.start()
        _submit(arguments, photographs, engine, progress)
    return 0


def _submit(
    arguments: argparse.Namespace, photographs: Sequence[Path] | None, engine: Engine, progress: Progress
) -> None:
    """Packs, rehearses and scores; what dist holds is replaced once the rehearsal has succeeded."""
    rules = season(arguments.season)
    rules = replace(rules, avif=rules.avif or arguments.avif)
    dist, targets = arguments.dist, arguments.targets or list(rules.targets)
    distortion = chosen_distortion(arguments)
    names = [DECODER_ZIP, SUBMISSION_ZIP, *(f"{target}/{rules.data_name}" for target in targets)]
    with rebuilt(dist, names, whole=[ORIGINALS]) as new:
        zoo = load_zoo(*weight_folders(arguments.codec))
        weights = zoo.folders[0]
        print(decoder_report(pack_decoder(new, rules.decoder_limit, weights), rules, weights))
        files, effort = stage_originals(photographs, new / ORIGINALS), preset(arguments.preset)
        progress.expect(_stages(pixels_of(files) / 1e6, len(targets), effort, arguments.baselines))
        coding = CandidateCache(), effort, engine, rules
        budgets = pack_targets(zoo, files, targets, new, *coding, distortion, arguments.limit, progress)
        pack_submission(new, targets, rules)
        progress.begin(REHEARSAL)
        rows = _rehearse(budgets, new, rules, measured_metrics(distortion), progress)
    swept: Tables = {}
    if arguments.baselines != NONE:
        progress.begin(BASELINES)
        originals, quick = sorted((dist / ORIGINALS).glob("*.png")), arguments.baselines == QUICK
        baselines = BaselineSet(originals, None, engine, (), distortion, quick, progress)
        swept = baselines.choose(list(budgets.values()))
    progress.close()
    board, problems = _board(rows, budgets, swept, rules, distortion)
    print(f"\n{write_board(board, rules, arguments.reports, problems, distortion.figure)}")


def _stages(megapixels: float, targets: int, effort: Preset, baselines: str) -> dict[str, float]:
    """The stages of a run, and the seconds of a core that each is expected to take."""
    work = {ENCODING: expected_work(effort, targets), REHEARSAL: REHEARSAL_WORK * targets}
    if baselines != NONE:
        work[BASELINES] = expected_baseline_work(baselines == QUICK, targets)
    return {stage: seconds * megapixels for stage, seconds in work.items()}


def _rehearse(
    budgets: dict[str, int], dist: Path, rules: Season, metrics: Sequence[Metric], progress: Progress
) -> dict[str, Row]:
    """Decodes as the server would, target by target; returns the rows of the leaderboard."""
    rows, work = {}, REHEARSAL_WORK * set_pixels(dist / ORIGINALS) / 1e6
    for target, budget in budgets.items():
        progress.phase(f"rehearsal of {target} bpp", work)
        result = rehearse_target(dist, target, dist / ORIGINALS, budget, rules, metrics=metrics)
        progress.advance(work)
        times = time_report([result.rehearsal], rules)
        tqdm.write(f"\n{target_report(result, rules)}\nwith {conditions(result.rehearsal, rules)}:\n{times}")
        rows[target] = result.row(dist / DECODER_ZIP)
    return rows


def _board(
    rows: Mapping[str, Row], budgets: Mapping[str, int], swept: Tables, rules: Season, distortion: Distortion
) -> tuple[Board, list[Problem]]:
    """The rows beside those of the conventional codecs."""
    board, problems = {}, []
    for target, row in rows.items():
        fitted, unfit = fit_baselines(swept, target, budgets[target], distortion)
        board[target] = [row, *baseline_rows(fitted, rules)]
        problems += unfit
    return board, problems
