"""Training: photographs to weights."""
