"""Ways to make an answer out of a pool's models: one file each, listed in `registry.py`."""
