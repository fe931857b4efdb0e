"""The output folder: one run at a time, and what lies there changes when the new submission is whole, not before.

A run works in a folder of its own below the output folder. When it has succeeded, its files take the place of those
that an earlier run wrote. Which those are is told by a list with their sha256: whatever else lies there stays.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from eval.storage import check_folder, check_output, read_plain, write_atomically

LOCK = ".lock"
WRITTEN = ".written.json"
"""The list: a JSON object with the sha256 of every file by its path, and null for a folder."""

UNFINISHED = ".unfinished"
"""The folder in which a run works; once it holds a list, what is in FILES is whole."""

FILES = "files"
MARKER = ".made-by-submission"
"""File that tells such a folder from a user's own."""

Written = dict[str, str | None]


class Busy(Exception):
    """Another run is using the same folder."""


class ForeignFiles(Exception):
    """A file that no earlier run wrote stands in the way."""


@contextmanager
def exclusive(dist: Path) -> Iterator[None]:
    """Keeps other runs out of a folder.

    The system gives the lock back when the process ends, however it ends.

    Raises:
      Busy: another run has it.
    """
    check_folder(dist)
    check_output(dist / LOCK)
    with (dist / LOCK).open("ab") as file:
        _lock(file, fcntl.LOCK_EX, dist)
        yield


@contextmanager
def reading(*folders: Path) -> Iterator[None]:
    """Keeps runs from changing folders that are read; a folder to which none ever wrote has no lock.

    Raises:
      Busy: a run is changing one.
    """
    with ExitStack() as stack:
        for folder in folders:
            if (folder / LOCK).is_file():
                _lock(stack.enter_context((folder / LOCK).open("rb")), fcntl.LOCK_SH, folder)
        yield


def _lock(file: IO[bytes], kind: int, folder: Path) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy(f"another run is using {folder}: wait for it, or give another folder") from None


@contextmanager
def rebuilt(dist: Path, names: Collection[str], whole: Collection[str] = (), keep: bool = False) -> Iterator[Path]:
    """Yields an empty folder, whose files take the place of an earlier run's unless an error is raised.

    Args:
      dist: the output folder, held by `exclusive`.
      names: files that will be written, so that what stands in their way is found before the work.
      whole: folders in which nothing of others may lie.
      keep: whether files of the earlier run that the new one does not write stay.

    Raises:
      ForeignFiles: a file would be replaced that no earlier run wrote, or that was changed since.
    """
    work = dist / UNFINISHED
    if (work / WRITTEN).is_file() and (work / MARKER).is_file():  # killed while the files took their places
        _swap(dist)
    _remove_unfinished(work)
    earlier = read_written(dist)
    others = [_below(path, dist) for name in whole for path in (dist / name).rglob("*") if not path.is_dir()]
    _refuse_foreign(dist, _with_folders([*names, *others]), earlier)
    work.mkdir()
    (work / MARKER).touch()
    try:
        (work / FILES).mkdir()
        yield work / FILES
        made = _contents(work / FILES)
        _refuse_foreign(dist, made, earlier)
        _write_list(work, dist, made, earlier, keep)
        _swap(dist)
    finally:
        if not (work / WRITTEN).exists():
            _remove_unfinished(work)


def clean(dist: Path) -> None:
    """Removes what runs wrote, and the folder where nothing else is left.

    Raises:
      Busy: a run is using it.
    """
    if not any((dist / name).exists() for name in (WRITTEN, UNFINISHED)):
        return
    with exclusive(dist):
        with rebuilt(dist, []):
            pass
        (dist / WRITTEN).unlink()
        if not (dist / LOCK).stat().st_size:  # else it is a file of others
            (dist / LOCK).unlink()
        if not any(dist.iterdir()):
            dist.rmdir()


def read_written(folder: Path) -> Written:
    """What the list of a folder names; nothing where it is missing or damaged, so that nothing is removed."""
    try:
        rows = json.loads(read_plain(folder / WRITTEN))
        return {name: digest for name, digest in rows.items() if _is_inside(name)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return "\0" not in name and not path.is_absolute() and ".." not in path.parts


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _with_folders(names: Collection[str]) -> Written:
    """Files that are still to be written, and the folders they need."""
    folders = {str(parent): None for name in names for parent in PurePosixPath(name).parents}
    return folders | dict.fromkeys(names, "")


def _contents(folder: Path) -> Written:
    """Every file and folder of a finished run."""
    return {_below(path, folder): None if path.is_dir() else _sha256(path) for path in folder.rglob("*")}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_unchanged(path: Path, digest: str | None) -> bool:
    """Whether a file is still what a run wrote."""
    return path.is_file() and not path.is_symlink() and _sha256(path) == digest


def _refuse_foreign(dist: Path, wanted: Written, earlier: Written) -> None:
    for name, digest in wanted.items():
        path = dist / name
        own = path.is_dir() if digest is None else _is_unchanged(path, earlier.get(name))
        if os.path.lexists(path) and not own:
            raise ForeignFiles(
                f"{path} was not written by an earlier run, or was changed since: "
                "move it away, or give --dist another folder"
            )


def _write_list(work: Path, dist: Path, made: Written, earlier: Written, keep: bool) -> None:
    """Marks a run's files as whole; folders that others made are none of a run's, those of an earlier run are."""
    own = {n: d for n, d in made.items() if d or n in earlier or not (dist / n).is_dir()}
    listed = earlier | own if keep else own
    write_atomically(work / WRITTEN, json.dumps(listed, indent=1, sort_keys=True).encode())


def _swap(dist: Path) -> None:
    """Puts a finished run's files in place of the earlier run's; a second call ends what a killed one began."""
    work = dist / UNFINISHED
    made, earlier = read_written(work), read_written(dist)
    for name in sorted(earlier.keys() - made.keys(), reverse=True):  # what lies in a folder before the folder
        _remove(dist / name, earlier[name])
    for path in sorted((work / FILES).rglob("*")):
        target = dist / path.relative_to(work / FILES)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)
    (work / WRITTEN).replace(dist / WRITTEN)
    _remove_unfinished(work)


def _remove(path: Path, digest: str | None) -> None:
    """Removes a file that is as it was written, or an empty folder."""
    if digest is None:
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
    elif _is_unchanged(path, digest):
        path.unlink()


def _remove_unfinished(work: Path) -> None:
    """Removes the folder of a run that has ended, the marker last: it may be killed here too.

    Raises:
      ForeignFiles: the folder is not of a run's making.
    """
    if not work.exists():
        return
    content = [path for path in work.iterdir() if path.name != MARKER]
    if content and not (work / MARKER).is_file():
        raise ForeignFiles(f"{work} was not made by a run: move it away, or give --dist another folder")
    for path in content:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (work / MARKER).unlink(missing_ok=True)
    work.rmdir()
