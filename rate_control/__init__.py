"""Rate control: one slope for a whole set of pictures."""

import decoder_pkg  # noqa: F401 - before numpy and torch: it sets how their threads wait
