"""The decoder: everything that ships to the competition's server."""

import os

# The entropy path multiplies many small matrices: threads that wait for each other there cost more than they give.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
