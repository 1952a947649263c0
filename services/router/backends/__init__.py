"""How models are called: one attempt at one endpoint, in the dialect that the backend speaks."""
