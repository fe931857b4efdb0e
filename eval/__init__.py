"""Evaluation: files in, the competition's scores out."""
