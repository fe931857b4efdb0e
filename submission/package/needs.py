"""What must be installed beside torch, numpy and the range coder, and which pictures need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from decoder_pkg.codecs import codec_of
from decoder_pkg.commands import read_stream
from decoder_pkg.errors import DecoderError
from decoder_pkg.models import Bundle
from decoder_pkg.stream import Archive
from encoder.models import Zoo

from ..seasons import Season
from .decoder_zip import BuildError, packed_bundle

Needs = Mapping[str, Sequence[str]]
"""What is needed, and by which models or pictures."""

ASK = "give --avif where the server's Pillow decodes AVIF"

SHOWN = 5
"""Names that a text lists."""


def model_needs(bundle: Bundle) -> Needs:
    """What models of a bundle need."""
    found: dict[str, list[str]] = {}
    for number, model in bundle.models.items():
        if need := codec_of(model.arch).needs:
            found.setdefault(need, []).append(f"model {number}, {model.arch.name}")
    return found


def stream_needs(bundle: Bundle, archive: Archive) -> Needs:
    """What pictures of a stream need, by the models that they name."""
    found: dict[str, list[str]] = {}
    for entry in archive.entries:
        model = bundle.models.get(entry.header.model)
        if model and (need := codec_of(model.arch).needs):
            found.setdefault(need, []).append(entry.name)
    return found


def usable(zoo: Zoo, rules: Season) -> Zoo:
    """The models whose pictures the season's container is known to decode.

    Raises:
      BuildError: there is none.
    """
    if rules.avif:
        return zoo
    found = zoo.only([number for number, model in zoo.models.items() if not codec_of(model.decoder.arch).needs])
    if not found.models:
        raise BuildError(f"no model needs nothing that the container of {rules.year} may lack: {ASK}")
    return found


def packed_needs(decoder_zip: Path, data_zip: Path) -> Needs:
    """What the pictures of a packed target need; of packages of another make nothing can be told."""
    try:
        return stream_needs(packed_bundle(decoder_zip), read_stream(data_zip).archive)
    except DecoderError:
        return {}


def needs_texts(needs: Needs, rules: Season) -> list[str]:
    """A line for each thing that is needed, and whether the season's container has it."""
    texts, known = [], _known(rules)
    for need, names in needs.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        texts.append(f"{need} is needed by {', '.join(names[:SHOWN])}{more}; {known}")
    return texts


def _known(rules: Season) -> str:
    if rules.avif:
        return f"the container of {rules.year} has it"
    packages = f"known are {', '.join(rules.packages)}" if rules.packages else "no package is"
    return f"whether the container of {rules.year} has it is not known ({packages})"
