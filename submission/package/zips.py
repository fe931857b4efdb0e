"""Reproducible zips: the same content gives the same bytes, whenever and wherever."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3


def build_zip(members: Mapping[str, bytes], executable: frozenset[str] = frozenset()) -> bytes:
    """A zip of these members in sorted order, with fixed dates and permissions.

    Members are stored: what deflate makes of them depends on the library's build.

    Args:
      members: content by path.
      executable: paths that get the executable bit.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = UNIX
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()
