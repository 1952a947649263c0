"""Routing data: what records are, how they are read, written, split, compared and converted."""
