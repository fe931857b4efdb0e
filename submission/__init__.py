"""The submission: packages, rehearsal, scores."""

import decoder_pkg  # before numpy and torch: it sets how their threads wait
