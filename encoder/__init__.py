"""The encoder: pictures to streams."""
