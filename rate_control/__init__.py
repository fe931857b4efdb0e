"""Rate control: one slope for a whole set of pictures."""
