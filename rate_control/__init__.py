"""Rate control: one Lagrange multiplier for a whole set of pictures, whatever codec made the candidates."""

import decoder_pkg  # before numpy and torch: it sets how their threads wait
