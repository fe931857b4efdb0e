"""Streams for tests: of some pictures, with other headers, damaged."""

from __future__ import annotations

from dataclasses import replace

from decoder_pkg.models import Bundle
from decoder_pkg.stream.container import Archive, Entry


def archive_of(bundle: Bundle, *entries: Entry) -> Archive:
    """The archive of some pictures, made for the bundle's models and filters that they name, as far as it has them."""
    archive = Archive(b"", entries)
    used = archive.models & bundle.models.keys(), archive.filters & bundle.filters.keys()
    return replace(archive, bundle_id=bundle.id_for(*used))


def damaged(data: bytes, position: int) -> bytes:
    """The same bytes but for one bit."""
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def with_header(entry: Entry, **changes: int) -> Entry:
    """The same picture with other fields in its header."""
    return replace(entry, header=replace(entry.header, **changes))
