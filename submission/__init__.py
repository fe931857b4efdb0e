"""The submission: packages, rehearsal, scores."""

import decoder_pkg  # noqa: F401 - before numpy and torch: it sets how their threads wait
