"""The submission: packages, rehearsal, scores."""
