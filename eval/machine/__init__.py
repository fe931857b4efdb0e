"""What a run finds on its machine: threads, memory, and where its figures come from."""

from .memory import peak_bytes
from .origin import UNKNOWN, Provenance, commit, device, provenance
from .threads import one_blas_thread, one_thread, use_one_thread
