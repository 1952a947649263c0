"""Pages of pictures: of a comparison of methods, and of one artifact. Needs matplotlib."""
