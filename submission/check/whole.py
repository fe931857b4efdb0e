"""Every problem of a submission."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from decoder_pkg.errors import DecoderError
from decoder_pkg.fields import parse_object
from decoder_pkg.stream import unpack
from eval.problems import Problem, warning

from ..package import DECODER_ZIP, SUBMISSION_ZIP, TEAM_INFO
from ..seasons import MAX_UNPACKED, KnownSet, Season
from .parts import Pictures, check_data, check_decoder, check_unpacked, different_pictures, named, zip_problems

MAX_TEAM_INFO = 2**16


def check(path: Path, rules: Season, known: KnownSet | None = None) -> list[Problem]:
    """Everything wrong with a submission.

    Args:
      path: a folder with decoder.zip and <target>/<data>, or a submission.zip.
      rules: of the season.
      known: the published set it is made of; without one the budget follows from the pixels that the streams name.
    """
    if path.is_dir():
        return _check_folder(path, rules, known)
    problems = zip_problems(path, path.name)
    if problems:
        return problems
    with tempfile.TemporaryDirectory(prefix="check-") as name:
        folder = Path(name)
        try:
            unpack(path, folder, MAX_UNPACKED)
        except DecoderError as error:
            return [named(path.name, error)]
        return _check_single(folder, rules, known) if rules.single_zip else _check_parts(folder, rules, known)


def _check_folder(folder: Path, rules: Season, known: KnownSet | None) -> list[Problem]:
    """A built folder: what is uploaded is the submission.zip where the season takes a single one, else the parts."""
    if rules.single_zip:
        return check(folder / SUBMISSION_ZIP, rules, known)
    return _check_parts(folder, rules, known)


def _check_parts(folder: Path, rules: Season, known: KnownSet | None) -> list[Problem]:
    decoder = check_decoder(folder / DECODER_ZIP, rules, DECODER_ZIP)
    problems, sets = list(decoder.problems), dict[str, Pictures]()
    for target in rules.targets:
        where = f"{target}/{rules.data_name}"
        if (folder / where).exists():
            data = check_data(folder / where, target, decoder.bundle, rules, known, where)
            problems += data.problems
            if data.pictures:
                sets[where] = data.pictures
        else:
            problems.append(_absent(where, rules))
    problems += _differences(sets)
    if not any((folder / target / rules.data_name).exists() for target in rules.targets):
        problems.append(Problem(str(rules.year), f"no data: none of the season's targets {rules.targets} is there"))
    return problems + _foreign_targets(folder, rules)


def _differences(sets: Mapping[str, Pictures]) -> list[Problem]:
    """Targets that do not hold the pictures of the first one."""
    first = next(iter(sets), "")
    return [
        problem
        for where, pictures in sets.items()
        for problem in different_pictures(pictures, sets[first], first, where)
    ]


def _absent(where: str, rules: Season) -> Problem:
    if rules.every_target:
        return Problem(where, f"missing: {rules.year} asks for every target")
    return warning(where, "missing")


def _foreign_targets(folder: Path, rules: Season) -> list[Problem]:
    found = {path.parent.name for path in folder.glob("*/*.zip")} - set(rules.targets)
    problems = [Problem(name, f"no target of {rules.year}: those are {rules.targets}") for name in sorted(found)]
    for path in sorted(folder.glob("*/*.zip")):
        if path.parent.name in rules.targets and path.name != rules.data_name:
            problems.append(Problem(f"{path.parent.name}/{path.name}", f"must be named {rules.data_name}"))
    return problems


def _check_single(folder: Path, rules: Season, known: KnownSet | None) -> list[Problem]:
    decoder = check_unpacked(folder, rules, SUBMISSION_ZIP, frozenset({TEAM_INFO, rules.data_name}))
    data = folder / rules.data_name
    (target,) = rules.targets
    return [
        *decoder.problems,
        *_team_problems(folder / TEAM_INFO),
        *check_data(data, target, decoder.bundle, rules, known, rules.data_name).problems,
    ]


def _team_problems(path: Path) -> list[Problem]:
    if not path.is_file():
        return [Problem(TEAM_INFO, "missing: the season takes one zip that names its team")]
    try:
        if path.stat().st_size > MAX_TEAM_INFO:
            raise ValueError(f"it has more than {MAX_TEAM_INFO} bytes")
        parse_object(path.read_bytes())
    except ValueError as error:
        return [Problem(TEAM_INFO, f"is no JSON object: {error}")]
    return [warning(TEAM_INFO, "which fields the season asks for is not known")]
