"""Studies: curves, trials, speed, exactness, models."""
