"""Streams: containers that name just the models and post-filters that their pictures use."""

from __future__ import annotations

from collections.abc import Sequence

from decoder_pkg.models import Bundle
from decoder_pkg.stream import Archive, Entry, write_archive


def pack_archive(bundle: Bundle, entries: Sequence[Entry]) -> bytes:
    """The container of some pictures.

    Args:
      bundle: with the models and filters that their headers name.
      entries: the pictures, in order.

    Raises:
      InvalidHeader: a name or field is out of range.
      LimitExceeded: too many pictures, or one is too large.
    """
    used = Archive(b"", tuple(entries))
    return write_archive(bundle.id_for(used.models, used.filters), entries)
