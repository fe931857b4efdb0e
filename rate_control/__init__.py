"""Rate control: one Lagrange multiplier for an image set, whatever codec made the candidates."""
