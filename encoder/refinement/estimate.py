"""What the float model expects a coded picture to take."""

from __future__ import annotations

from decoder_pkg.pixels.filters import PostFilter

from ..candidates import Candidate
from ..coding import estimated_bits, filter_bits, parts_of
from ..weights import EncoderModel, float_model


def estimated_payload_bits(model: EncoderModel, candidate: Candidate, postfilter: PostFilter | None) -> float:
    """Bits of a candidate's latents, hyper-latents and post-filter; its payload has about as many.

    Args:
      model: that the candidate names.
      candidate: a coded picture.
      postfilter: of the bundle, if it has one.
    """
    latents, fitted = parts_of(model, candidate, postfilter)
    header = candidate.header
    bits = estimated_bits(float_model(model), latents, header.gain, header.q)
    return bits + filter_bits(postfilter, model.decoder.entropy, fitted)
