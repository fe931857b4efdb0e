"""Checks of one decoder package and of one target's data. They return problems and believe nothing they read."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from decoder_pkg.commands import read_stream
from decoder_pkg.decoder import check_bundle
from decoder_pkg.errors import DecoderError, WrongBundle
from decoder_pkg.models import Bundle, load_bundle
from decoder_pkg.stream import Archive, member_faults, open_zip, unpack
from eval.problems import Problem, warning
from rate_control.allocation import budget_bytes

from .decoder_zip import ENTRY, VENDOR, BuildError
from .freeze import LOCK, read_lock
from .rehearsal import MAX_UNPACKED
from .seasons import KnownSet, Season

FOLDERS = {ENTRY, "decoder_pkg", VENDOR}
FILLED = 0.99
"""A smaller share of the budget in use is worth a warning."""


@dataclass(frozen=True)
class CheckedDecoder:
    """A decoder's problems, and its models where they can be read."""

    problems: list[Problem]
    bundle: Bundle | None


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
    """Checks a decoder.zip: size, digest, directory, entry point, weights."""
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
        inner = check_unpacked(Path(name), where, frozenset(FOLDERS))
    return CheckedDecoder(problems + inner.problems, inner.bundle)


def check_unpacked(folder: Path, where: str, expected: frozenset[str]) -> CheckedDecoder:
    """Checks an unpacked decoder: its entry point, its weights, and nothing beside the expected names."""
    problems = _entry_problems(folder / ENTRY, where)
    found = {path.name for path in folder.iterdir()}
    problems += [warning(where, f"holds {name}, which no decoder needs") for name in sorted(found - expected)]
    try:
        bundle = load_bundle(folder / "decoder_pkg" / "weights")
        for model in bundle.models.values():
            model.codec.build()
        return CheckedDecoder(problems, bundle)
    except DecoderError as error:
        return CheckedDecoder([*problems, named(where, error)], None)


def _entry_problems(entry: Path, where: str) -> list[Problem]:
    if not entry.is_file():
        return [Problem(where, f"has no file {ENTRY}: the server runs ./{ENTRY}")]
    problems = []
    if not entry.stat().st_mode & 0o100:
        problems.append(Problem(where, f"{ENTRY} is not executable"))
    with entry.open("rb") as file:
        head = file.read(4)
    if not head.startswith(b"#!") and head != b"\x7fELF":
        problems.append(Problem(where, f"{ENTRY} is neither a script with an interpreter line nor an ELF program"))
    return problems


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


def check_data(path: Path, target: str, bundle: Bundle | None, known: KnownSet | None, where: str) -> list[Problem]:
    """Checks one target's data: container, weights it was made for, size against the budget."""
    if not path.is_file():
        return [Problem(where, "missing")]
    try:
        stream = read_stream(path)
    except DecoderError as error:
        return [named(where, error)]
    archive, problems = stream.archive, [named(where, stream.damage)] if stream.damage else []
    problems += _bundle_problems(archive, bundle, where) if bundle else []
    return problems + _budget_problems(archive, path.stat().st_size, target, known, where)


def _bundle_problems(archive: Archive, bundle: Bundle, where: str) -> list[Problem]:
    try:
        check_bundle(bundle, archive)
    except WrongBundle as error:
        return [named(where, error)]
    return []


def _budget_problems(archive: Archive, size: int, target: str, known: KnownSet | None, where: str) -> list[Problem]:
    pixels = sum(entry.header.width * entry.header.height for entry in archive.entries)
    problems = _set_problems(len(archive.entries), pixels, known, where) if known else []
    budget = (known.budget(target) if known else None) or budget_bytes(pixels, target)
    share = f"{size} of {budget} bytes ({100 * size / budget:.2f} %)"
    if size > budget:
        return [*problems, Problem(where, f"over the budget: {share}")]
    if size < FILLED * budget:
        return [*problems, warning(where, f"leaves much of the budget: {share}")]
    return problems


def _set_problems(images: int, pixels: int, known: KnownSet, where: str) -> list[Problem]:
    """Whether it is the set the season published."""
    rows = (("pictures", images, known.images), ("pixels", pixels, known.pixels))
    return [
        Problem(where, f"has {found} {name}; the {known.name} set has {expected}")
        for name, found, expected in rows
        if expected is not None and found != expected
    ]
