"""The float half of the factorised prior."""

from .codec import FactorisedFloatCodec
