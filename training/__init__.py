"""Training: photographs to weights."""

import decoder_pkg  # before numpy and torch: it sets how their threads wait
