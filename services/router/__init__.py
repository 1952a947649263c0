"""The router service: runs the best few models of a pool in layers and streams the answer."""
