"""Checks of a submission, which is never trusted."""

from .whole import check
