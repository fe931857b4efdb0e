"""What takes part in a leaderboard: submissions, which are rehearsed first, and folders of decoded pictures.

A submission is a submission.zip, or a folder with decoder.zip and <target>/bs.zip as `make submission` leaves it; the
data has the season's name. Any other folder is one of decoded pictures: <target>/ holds the PNGs, at any depth, and
either the data, whose size counts, or bytes.txt with the count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder_pkg.errors import DecoderError
from decoder_pkg.stream import checked_members, open_zip, read_member
from eval.leaderboard import Row
from eval.machine import UNKNOWN, provenance
from eval.metrics import Metric
from eval.problems import Problem
from eval.report import Contestant
from eval.score import flatten_pngs, score_folder
from eval.storage import write_atomically

from ..package import DECODER_ZIP, ENTRY, TEAM_INFO, build_zip
from ..rehearsal import RehearsalError, rehearse_target
from ..seasons import MAX_UNPACKED, Season

BYTES_FILE = "bytes.txt"
MAX_DIGITS = 19
MAX_COUNT = 100
"""Characters of that file that are read."""


class EntryError(Exception):
    """An entry has no result at a target.

    Attributes:
      problems: why, each with its file.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{one.where}: {one.message}" for one in problems))
        self.problems = problems


@dataclass(frozen=True)
class TeamEntry:
    """A team's name and where its results lie."""

    name: str
    path: Path


@dataclass(frozen=True)
class Contest:
    """What all entries are judged by.

    Attributes:
      originals: folder of the original PNGs.
      budgets: bytes by target.
      rules: of the season.
      work: folder for decoded pictures: <entry>/<target>/*.png.
      metrics: what is measured, by default what costs little.
    """

    originals: Path
    budgets: dict[str, int]
    rules: Season
    work: Path
    metrics: Sequence[Metric] | None = None

    def pictures(self, name: str, target: str) -> Path:
        """Folder of an entry's decoded pictures."""
        return self.work / name / target


@dataclass(frozen=True)
class Result:
    """An entry's row at a target, with its scores and pictures."""

    row: Row
    contestant: Contestant


def judge(entry: TeamEntry, target: str, contest: Contest) -> Result:
    """An entry's result at one target.

    Raises:
      EntryError: something forbids it: a part is missing, the budget is exceeded, a picture is wrong.
    """
    path = entry.path
    if path.is_file():
        path = _unpacked(entry, target, contest)
    if (path / DECODER_ZIP).is_file():
        return _judge_submission(entry, path, target, contest)
    if not (path / target).is_dir():
        raise EntryError(Problem(f"{entry.name}/{target}", f"no such folder in {entry.path}"))
    return _judge_pictures(entry, path / target, target, contest)


def _unpacked(entry: TeamEntry, target: str, contest: Contest) -> Path:
    """The decoder and one target's data of a submission.zip, as files in a folder."""
    folder, rules = contest.work / entry.name, contest.rules
    data = f"{target}/{rules.data_name}"
    wanted = {DECODER_ZIP, data}
    try:
        with open_zip(entry.path) as archive:
            members = [m for m in checked_members(archive, MAX_UNPACKED) if not m.is_dir()]
            if rules.single_zip:
                files = {member.filename: read_member(archive, member) for member in members}
                content = files.pop(rules.data_name, b"")
                files.pop(TEAM_INFO, None)
                parts = {data: content, DECODER_ZIP: build_zip(files, frozenset({ENTRY})) if ENTRY in files else b""}
            else:
                members = [member for member in members if member.filename in wanted]
                for member in members:  # what is too large is not read: it may fill the memory
                    limit = contest.budgets[target] if member.filename == data else rules.decoder_limit
                    what = "budget" if member.filename == data else "season's limit"
                    _check_size(entry, member.filename, member.file_size, limit, what)
                parts = {member.filename: read_member(archive, member) for member in members}
        for name, part in parts.items():
            if part:
                write_atomically(folder / name, part)
                wanted.remove(name)
    except (DecoderError, OSError) as error:
        raise EntryError(Problem(entry.name, f"{entry.path.name} cannot be read: {error}")) from None
    if wanted:
        raise EntryError(*(Problem(f"{entry.name}/{name}", f"not in {entry.path.name}") for name in sorted(wanted)))
    return folder


def _judge_submission(entry: TeamEntry, dist: Path, target: str, contest: Contest) -> Result:
    decoder, data = dist / DECODER_ZIP, dist / target / contest.rules.data_name
    _check_size(entry, f"{target}/{data.name}", _size(entry, data), contest.budgets[target], "budget")
    _check_size(entry, DECODER_ZIP, decoder.stat().st_size, contest.rules.decoder_limit, "season's limit")
    pictures = contest.pictures(entry.name, target)
    try:
        result = rehearse_target(
            dist, target, contest.originals, contest.budgets[target], contest.rules, pictures, contest.metrics
        )
    except (RehearsalError, DecoderError, OSError) as error:
        listed = [Problem(f"{entry.name}/{target}/{one.where}", one.message) for one in getattr(error, "problems", ())]
        raise EntryError(Problem(f"{entry.name}/{target}", f"the rehearsal failed: {error}"), *listed) from None
    return Result(result.row(decoder, entry.name), Contestant(entry.name, result.score, flatten_pngs(pictures)[0]))


def _judge_pictures(entry: TeamEntry, folder: Path, target: str, contest: Contest) -> Result:
    size = _counted_bytes(entry, folder, contest.rules.data_name)
    _check_size(entry, target, size, contest.budgets[target], "budget")
    score, problems = score_folder(contest.originals, folder, contest.rules.ms_ssim_by_pixels, contest.metrics)
    if score is None:
        raise EntryError(*(Problem(f"{entry.name}/{target}/{one.where}", one.message) for one in problems))
    row = Row(entry.name, score.values, size, provenance=provenance(None, UNKNOWN))
    return Result(row, Contestant(entry.name, score, flatten_pngs(folder)[0]))


def _counted_bytes(entry: TeamEntry, folder: Path, data_name: str) -> int:
    """Size of the data file, or the number in bytes.txt."""
    data, count = folder / data_name, folder / BYTES_FILE
    name = f"{entry.name}/{folder.name}"
    if data.is_file() == count.is_file():
        raise EntryError(Problem(name, f"needs either {data_name} or {BYTES_FILE}, so that the bytes are known"))
    if data.is_file():
        if not data.stat().st_size:
            raise EntryError(Problem(f"{name}/{data_name}", "is empty"))
        return data.stat().st_size
    with count.open(errors="replace") as file:
        text = file.read(MAX_COUNT).strip()
    if not (text.isascii() and text.isdigit() and len(text) < MAX_DIGITS and int(text)):
        raise EntryError(Problem(f"{name}/{BYTES_FILE}", f"{text[:40]!r} is no number of bytes above 0"))
    return int(text)


def _size(entry: TeamEntry, data: Path) -> int:
    if not data.is_file():
        raise EntryError(Problem(f"{entry.name}/{data.parent.name}/{data.name}", "missing"))
    return data.stat().st_size


def _check_size(entry: TeamEntry, name: str, size: int, limit: int | None, what: str) -> None:
    if limit is not None and size > limit:
        raise EntryError(Problem(f"{entry.name}/{name}", f"takes {size} bytes, {size - limit} over the {what}"))
