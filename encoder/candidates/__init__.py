"""Candidates: a picture coded under one setting, what was measured on it, where that is kept, and its container."""

from .archive import pack_archive
from .cache import CACHE_VERSION, CandidateCache
from .candidate import Candidate, Measured, RoundTripError
