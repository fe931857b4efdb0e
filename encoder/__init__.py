"""The encoder: pictures to streams."""

import decoder_pkg  # before numpy and torch: it sets how their threads wait
