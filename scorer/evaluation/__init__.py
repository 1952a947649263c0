"""Ways to choose a model, side by side on the same pools, splits and measures."""
