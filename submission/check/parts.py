"""Checks of one decoder package and of one target's data. They return problems and believe nothing they read."""

from __future__ import annotations

import hashlib
import math
import tempfile
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from decoder_pkg.commands import read_stream
from decoder_pkg.decoder import check_bundle
from decoder_pkg.errors import DecoderError, WrongBundle
from decoder_pkg.models import Bundle, load_bundle
from decoder_pkg.payload import decode_integers
from decoder_pkg.stream import Archive, Entry, member_faults, open_zip, unpack
from eval.problems import Problem, failed, warning
from eval.published import read_pictures
from eval.score import PATIENCE
from rate_control.allocation import budget_bytes

from ..package import ENTRY, LOCK, VENDOR, BuildError, needs_texts, read_lock, stream_needs
from ..seasons import HOUR, MAX_UNPACKED, KnownSet, Season
from .code import code_problems

Pictures = Mapping[str, tuple[int, int]]
"""Width and height of the pictures of a target by name."""

Size = TypeVar("Size", int, tuple[int, int])
FOLDERS = {ENTRY, "decoder_pkg", VENDOR}
LONGEST = 5 * HOUR
"""Seconds in which a target must decode where the season does not say."""

MEASURED = 60
"""Seconds after which it is told from the time taken how long all pictures will take."""

SHOWN = 5
"""Names that one problem lists."""

FILLED = 0.99
"""A smaller share of the budget in use is worth a warning."""


@dataclass(frozen=True)
class CheckedDecoder:
    """A decoder's problems, and its models where they can be read."""

    problems: list[Problem]
    bundle: Bundle | None


@dataclass(frozen=True)
class CheckedData:
    """One target's problems, and its pictures where they can be read."""

    problems: list[Problem]
    pictures: Pictures


def named(where: str, error: Exception) -> Problem:
    """An error as a problem, with its name."""
    return Problem(where, f"{type(error).__name__}: {error}")


def zip_problems(path: Path, where: str) -> list[Problem]:
    """Everything that forbids to unpack a zip."""
    try:
        with open_zip(path) as archive:
            return [named(where, fault) for fault in member_faults(archive, MAX_UNPACKED)]
    except DecoderError as error:
        return [named(where, error)]


def check_decoder(path: Path, rules: Season, where: str) -> CheckedDecoder:
    """Checks a decoder.zip: size, digest, directory, code, weights."""
    if not path.is_file():
        return CheckedDecoder([Problem(where, "missing")], None)
    unsafe = zip_problems(path, where)
    problems = unsafe + _size_problems(path.stat().st_size, rules, where) + _frozen_problems(path, LOCK, where)
    if unsafe:
        return CheckedDecoder(problems, None)
    with tempfile.TemporaryDirectory(prefix="check-") as name:
        try:
            unpack(path, Path(name), MAX_UNPACKED)
        except DecoderError as error:
            return CheckedDecoder([*problems, named(where, error)], None)
        inner = check_unpacked(Path(name), rules, where)
    return CheckedDecoder(problems + inner.problems, inner.bundle)


def check_unpacked(folder: Path, rules: Season, where: str, others: frozenset[str] = frozenset()) -> CheckedDecoder:
    """Checks an unpacked decoder: its code, its weights, and that nothing lies beside it but `others`."""
    problems = code_problems(folder, rules, others, where)
    found = {path.name for path in folder.iterdir()}
    beside = sorted(found - FOLDERS - others)
    problems += [warning(where, f"holds {name}, which no decoder needs") for name in beside]
    try:
        bundle = load_bundle(folder / "decoder_pkg" / "weights")
        for model in bundle.models.values():
            model.codec.build()
        return CheckedDecoder(problems, bundle)
    except DecoderError as error:
        return CheckedDecoder([*problems, named(where, error)], None)


def _size_problems(size: int, rules: Season, where: str) -> list[Problem]:
    if rules.decoder_limit is not None and size > rules.decoder_limit:
        return [Problem(where, f"takes {size} bytes; {rules.year} allows {rules.decoder_limit}")]
    if not rules.decoder_limit_known:
        return [warning(where, f"takes {size} bytes; the limit of {rules.year} is not known")]
    return []


def _frozen_problems(path: Path, lock: Path, where: str) -> list[Problem]:
    try:
        row = read_lock(lock)
    except BuildError as error:
        return [named(str(lock), error)]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if row is not None and row["sha256"] != digest:
        return [Problem(where, f"sha256 {digest} is not that of the frozen decoder, {row['sha256']}")]
    return []


def check_data(
    path: Path, target: str, bundle: Bundle | None, rules: Season, known: KnownSet | None, where: str
) -> CheckedData:
    """Checks one target's data: container, weights it was made for, every picture's integers, size, names."""
    if not path.is_file():
        return CheckedData([Problem(where, "missing")], {})
    try:
        stream = read_stream(path)
    except DecoderError as error:
        return CheckedData([named(where, error)], {})
    archive, problems = stream.archive, [named(where, stream.damage)] if stream.damage else []
    pictures = {entry.name: (entry.header.width, entry.header.height) for entry in archive.entries}
    problems += _set_problems(pictures, known, where) if known else []
    problems += _budget_problems(pictures, path.stat().st_size, target, known, where)
    if bundle:
        problems += [warning(where, text) for text in needs_texts(stream_needs(bundle, archive), rules)]
        seconds = MEASURED if failed(problems) else rules.seconds or LONGEST
        problems += _decoding_problems(archive, bundle, seconds, where)
    return CheckedData(problems, pictures)


def _decoding_problems(archive: Archive, bundle: Bundle, seconds: int, where: str) -> list[Problem]:
    """Decodes every picture to its integers, as far as its checksum reaches; pixels decide nothing.

    It ends early where all would take longer than so many seconds, or where time is spent on a stream that is damaged.
    """
    try:
        check_bundle(bundle, archive)
    except WrongBundle as error:
        return [named(where, error)]
    problems: list[Problem] = []
    start, done, whole = time.monotonic(), 0, sum(map(_pixels, archive.entries))
    for entry in tqdm(archive.entries, desc=f"checking {where}", unit="picture", delay=PATIENCE, leave=False):
        try:
            decode_integers(bundle, entry)
        except DecoderError as error:
            problems.append(named(where, error))
        done += _pixels(entry)
        passed = time.monotonic() - start
        projected = passed * whole / done
        if done < whole and passed > MEASURED and (problems or projected > seconds):
            part = f"{done:,} of its {whole:,} pixels were checked, in {passed:.0f} s"
            return [*problems, Problem(where, f"takes too long: {part}; all would take {projected:,.0f} s")]
    return problems


def _pixels(entry: Entry) -> int:
    return entry.header.width * entry.header.height


def _budget_problems(pictures: Pictures, size: int, target: str, known: KnownSet | None, where: str) -> list[Problem]:
    pixels = sum(map(math.prod, pictures.values()))
    budget = (known.budget(target) if known else None) or budget_bytes(pixels, target)
    share = f"{size} of {budget} bytes ({100 * size / budget:.2f} %)"
    if size > budget:
        return [Problem(where, f"over the budget: {share}")]
    return [warning(where, f"leaves much of the budget: {share}")] if size < FILLED * budget else []


def _set_problems(pictures: Pictures, known: KnownSet, where: str) -> list[Problem]:
    """Whether it is the set the season published."""
    pixels = {name: math.prod(size) for name, size in pictures.items()}
    rows = (("pictures", len(pixels), known.images), ("pixels", sum(pixels.values()), known.pixels))
    problems = [
        Problem(where, f"has {found} {name}; the {known.name} set has {expected}")
        for name, found, expected in rows
        if expected is not None and found != expected
    ]
    expected = read_pictures(known.pictures) if known.pictures else pixels
    return problems + different_pictures(pixels, expected, f"the {known.name} set", where)


def different_pictures(
    found: Mapping[str, Size], expected: Mapping[str, Size], whose: str, where: str
) -> list[Problem]:
    """Pictures that are missing, foreign or of another size than in another set, which messages call `whose`."""
    faults = {
        f"has no picture for these of {whose}": expected.keys() - found.keys(),
        f"has pictures that are none of {whose}": found.keys() - expected.keys(),
        f"has pictures of another size than {whose}": {
            name for name in expected.keys() & found.keys() if found[name] != expected[name]
        },
    }
    return [Problem(where, f"{text}: {_some(names)}") for text, names in faults.items() if names]


def _some(names: Set[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + more
