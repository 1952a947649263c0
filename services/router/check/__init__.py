"""Calls every endpoint of a pool and says what is wrong: `python -m services.router.check`."""
