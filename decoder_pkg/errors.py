"""Errors of the decoder, one tree.

DecoderError
├── FormatError            the container cannot be read
│   ├── NotAnArchive           other magic bytes
│   ├── UnsupportedVersion     a later format
│   ├── TruncatedArchive       it ends early
│   ├── TrailingData           it goes on after its end
│   ├── InvalidHeader          a field is out of range
│   ├── LimitExceeded          larger than FORMAT.md allows
│   ├── HeaderChecksum         the header block is damaged
│   ├── DamagedZip             a zip that cannot be unpacked
│   └── UnsafeZip              a zip that could do harm
│       ├── UnsafePath             a member would leave the folder
│       ├── DoubledMember          two members claim one path
│       ├── SpecialMember          a link, a device, or encrypted or compressed in a rare way
│       └── ZipBomb                more members or bytes than are allowed
├── WrongBundle            made for other weights
├── PayloadError           one picture cannot be decoded, the others can
│   ├── PayloadChecksum        its bytes are damaged
│   ├── CorruptPayload         its bytes do not decode to exactly this picture
│   └── MissingCodec           a library that decodes it is not installed
├── WeightsError           a weight file is missing, damaged or of another kind
├── MissingInput           there is nothing to decode, or more than one thing
└── CannotWrite            the disk is full or does not let itself be written
"""

from __future__ import annotations


class DecoderError(Exception):
    """Root of everything the decoder raises on bad input."""


class FormatError(DecoderError):
    """The container cannot be read."""


class NotAnArchive(FormatError):
    """The magic bytes are other ones."""


class UnsupportedVersion(FormatError):
    """The format version is not known here."""


class TruncatedArchive(FormatError):
    """The container ends before its content does."""


class TrailingData(FormatError):
    """Bytes follow the end of the content."""


class InvalidHeader(FormatError):
    """A header field is out of range."""


class LimitExceeded(FormatError):
    """A count or size is beyond the limits of FORMAT.md."""


class HeaderChecksum(FormatError):
    """The header block does not match its checksum."""


class DamagedZip(FormatError):
    """A zip is cut, damaged, or not written in the plain way."""


class UnsafeZip(FormatError):
    """A zip could do harm when it is unpacked."""


class UnsafePath(UnsafeZip):
    """A member's path is absolute, leads upwards or cannot be printed."""


class DoubledMember(UnsafeZip):
    """Two members claim one path."""


class SpecialMember(UnsafeZip):
    """A member is no plain file, or is encrypted or compressed in a rare way."""


class ZipBomb(UnsafeZip):
    """A zip has more members or unpacks to more bytes than are allowed."""


class WrongBundle(DecoderError):
    """The stream was made for other weights."""


class PayloadError(DecoderError):
    """One picture cannot be decoded; the others of the archive can."""


class PayloadChecksum(PayloadError):
    """The payload, or what it decodes to here, does not match its checksum."""


class CorruptPayload(PayloadError):
    """The payload cannot come from an encoder, or names what the bundle lacks."""


class MissingCodec(PayloadError):
    """A library that decodes the picture is not installed; where it is, the stream decodes."""


class WeightsError(DecoderError):
    """A weight file is missing, damaged or of another kind."""


class MissingInput(DecoderError):
    """There is nothing to decode, or more than one thing."""


class CannotWrite(DecoderError):
    """The disk is full or does not let itself be written."""
