"""What a check finds in a submission, and ways to change one."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from decoder_pkg.commands import ZIP_MEMBER, read_stream
from decoder_pkg.stream import Entry, write_archive
from submission.check import check
from submission.package.zips import build_zip
from submission.seasons import KnownSet, Season, season

RULES = season(2021)


def messages(path: Path, rules: Season = RULES, known: KnownSet | None = None) -> list[str]:
    return [str(problem) for problem in check(path, rules, known)]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, changes: dict[str, bytes | None], executable: str = "decode") -> None:
    """Replaces, adds or (None) removes members of a zip."""
    parts: dict[str, bytes | None] = {**members(path), **changes}
    kept = {name: data for name, data in parts.items() if data is not None}
    path.write_bytes(build_zip(kept, frozenset({executable})))


def repack(path: Path, entries: Sequence[Entry]) -> None:
    """Writes a data zip with these pictures in place of its own."""
    bundle_id = read_stream(path).archive.bundle_id
    path.write_bytes(build_zip({ZIP_MEMBER: write_archive(bundle_id, entries)}))


def with_folders(path: Path) -> None:
    """Adds an entry for every folder of a zip."""
    folders = {f"{parent}/" for name in members(path) for parent in PurePosixPath(name).parents} - {"./"}
    with zipfile.ZipFile(path, "a") as archive:
        for name in sorted(folders):
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
            archive.writestr(info, b"")
