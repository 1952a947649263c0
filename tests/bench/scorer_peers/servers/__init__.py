"""Each peer's server; run with the peer's own environment."""
