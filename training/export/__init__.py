"""From a checkpoint to the files of both halves."""
