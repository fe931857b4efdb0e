"""The container: names, headers and payloads of an image set, and the zip around it."""

from .container import (
    BUNDLE_ID_BYTES,
    MAX_IMAGES,
    MAX_PIXELS,
    MAX_SET_PIXELS,
    MAX_SIDE,
    Archive,
    Entry,
    ImageHeader,
    check_names,
    entry_size,
    most_payload_bytes,
    read_archive,
    write_archive,
)
from .safe_zip import MAX_PATH_BYTES, checked_members, member_faults, open_zip, read_member, read_stored, unpack
