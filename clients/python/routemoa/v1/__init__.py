"""Generated stubs of the `routemoa.v1` contract; written by `make gen` alone."""
