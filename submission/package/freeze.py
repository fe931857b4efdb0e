"""The frozen decoder, recorded once the validation phase has accepted it.

In the test phase the decoder's file must have the sha256 of one from the validation phase, so that from then on the
encoder alone may change. Every later build is compared with the record; unfreezing is deleting the record.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path

from decoder_pkg.fields import all_of, field, parse_object
from decoder_pkg.models import WEIGHTS
from eval.storage import read_plain, write_atomically

from .decoder_zip import DECODER_ZIP, BuildError, build_decoder_zip

LOCK = Path("decoder.lock.json")


class FrozenDecoder(BuildError):
    """The build would not give the decoder that the validation phase accepted."""


def digests(package: bytes) -> dict[str, str]:
    """The sha256 of every member of a decoder.zip."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def record(package: bytes) -> str:
    """What the lock file says of a decoder.zip."""
    row = {"sha256": hashlib.sha256(package).hexdigest(), "zlib": zlib.ZLIB_RUNTIME_VERSION}
    return json.dumps(row | {"members": digests(package)}, indent=1) + "\n"


def read_lock(lock: Path) -> dict[str, object] | None:
    """The record, None where nothing is frozen.

    Raises:
      FrozenDecoder: there is one that cannot be read.
    """
    if not lock.exists():
        return None
    try:
        row = parse_object(read_plain(lock))
        field(row, "sha256", str)
        all_of(field(row, "members", dict), str)
    except (OSError, ValueError) as error:
        raise FrozenDecoder(f"{lock} is damaged ({error}): restore it from the repository's history") from None
    return row


def check_frozen(package: bytes, lock: Path) -> None:
    """Compares a decoder.zip with the record.

    Raises:
      FrozenDecoder: it is another one; the message names the members that changed.
    """
    row = read_lock(lock)
    if row is None or row["sha256"] == hashlib.sha256(package).hexdigest():
        return
    frozen, now = row["members"], digests(package)
    assert isinstance(frozen, dict)
    lines = [f"  {name}: {_change(frozen.get(name), now.get(name))}" for name in sorted(frozen.keys() | now.keys())
             if frozen.get(name) != now.get(name)]  # fmt: skip
    lines = lines or [f"  the same members, packed by zlib {zlib.ZLIB_RUNTIME_VERSION} in place of {row.get('zlib')}"]
    raise FrozenDecoder(
        f"this build differs from the decoder frozen in {lock}, which the test phase demands:\n"
        + "\n".join(lines)
        + "\ntake these changes back, or delete the record to unfreeze"
    )


def _change(before: str | None, after: str | None) -> str:
    return "changed" if before and after else "new" if after else "gone"


def freeze(dist: Path, lock: Path, weights: Path = WEIGHTS) -> str:
    """Records dist/decoder.zip, which must be what the sources give; returns its sha256.

    Raises:
      FrozenDecoder: the sources give another one, or another one is frozen already.
      BuildError: a part of the package is missing.
      OSError: dist holds no decoder.zip.
    """
    package = read_plain(dist / DECODER_ZIP)
    check_frozen(package, lock)
    if build_decoder_zip(weights).data != package:
        raise FrozenDecoder(f"{dist / DECODER_ZIP} is not what the sources give now: run `make submission` first")
    write_atomically(lock, record(package).encode())
    return hashlib.sha256(package).hexdigest()
