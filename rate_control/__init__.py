"""Rate control: one Lagrange multiplier for an image set, whatever codec made the candidates."""

import decoder_pkg  # before numpy and torch: it sets how their threads wait
