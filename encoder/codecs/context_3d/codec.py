"""The 3-D context in float: the mirror of `decoder_pkg.codecs.context_3d`."""

from __future__ import annotations

from decoder_pkg.codecs.context_3d import Context3dArchitecture

from ..autoregressive import AutoregressiveFloatCodec


class Context3dFloatCodec(AutoregressiveFloatCodec[Context3dArchitecture]):
    """Two groups of channels."""

    architecture = Context3dArchitecture
