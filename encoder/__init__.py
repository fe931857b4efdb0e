"""The encoder: pictures to streams."""

import decoder_pkg  # noqa: F401 - before numpy and torch: it sets how their threads wait
