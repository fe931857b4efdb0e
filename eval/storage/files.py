"""Where output may go, and how: files appear whole or not at all, and never take the place of what was read."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"
"""How the temporary name of every unfinished file ends."""

UNFINISHED = re.compile(rf"\.\d+-[0-9a-f]{{8}}{re.escape(PARTIAL)}")
"""Temporary names."""


class OutputError(OSError):
    """Nothing may be written there; the message names the path and says what to do."""


class InputError(OSError):
    """What is to be read is no file: a pipe, a socket or a device may never end; the message names the path."""


def open_plain(path: Path) -> BinaryIO:
    """Opens a file for reading; what the system keeps among its files and never ends raises BlockingIOError when read.

    Raises:
      OSError: there is none, it cannot be read, or there is something else of that name.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"{path} is a folder, a pipe or a device: a file belongs there")
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def read_plain(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
      OSError: there is none, it cannot be read, or there is something else of that name.
    """
    with open_plain(path) as file:
        return file.read()


def check_output(path: Path, *inputs: Path) -> None:
    """Makes sure, before any work, that a file may be written.

    Args:
      path: the file; its folder need not exist.
      inputs: files that are read, and folders.

    Raises:
      OutputError: it is one of the inputs, there is a folder, a device or a pipe of that name, or nothing can be
        written there.
    """
    _refuse_inputs(path, inputs)
    if os.path.lexists(_followed(path)) and not path.is_file():
        raise OutputError(f"{path} is a folder, a device or a pipe: give the name of a file as output")
    _refuse_read_only(_followed(path).parent)


def check_folder(path: Path, *inputs: Path) -> None:
    """Makes sure, before any work, that a folder may take output, and makes it.

    Args:
      path: the folder.
      inputs: files that are read, and folders.

    Raises:
      OSError: it is one of the inputs, it cannot be a folder, or nothing can be written there.
    """
    _refuse_inputs(path, inputs)
    if os.path.lexists(path) and not path.is_dir():
        raise OutputError(f"{path} is no folder: give another name for the output")
    path.mkdir(parents=True, exist_ok=True)
    _refuse_read_only(path)


def _refuse_inputs(path: Path, inputs: tuple[Path, ...]) -> None:
    for other in inputs:
        if path.exists() and other.exists() and path.samefile(other):
            raise OutputError(f"{path} is the input {other}: choose another output")


def _refuse_read_only(folder: Path) -> None:
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"nothing can be written in {nearest}: choose another output")


def _followed(path: Path) -> Path:
    """The file itself, where the path is a link to one."""
    return Path(os.path.realpath(path))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name beside a file; what is written there takes the file's place, unless that failed.

    Raises:
      OutputError: there is a folder, a device or a pipe of that name.
    """
    check_output(path)
    file = _followed(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(partial):  # a full disk has no name at all
            error.filename = str(path)  # the name that people know
            del error.filename2  # None would be written as a second name
        raise
    finally:
        partial.unlink(missing_ok=True)


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of change of a file: what was read of it holds as long as these do.

    Raises:
      OSError: there is no such file.
    """
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def write_atomically(path: Path, data: bytes) -> None:
    """Writes under a temporary name and renames; a write that fails leaves nothing behind."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes a file that people may read."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes that ask for the same lock away from a file, which is made where there is none.

    Raises:
      OutputError: there is a folder, a device or a pipe of that name.
    """
    check_output(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # not replaced while this one waited
                yield
                return
