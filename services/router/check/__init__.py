"""Check: calls every endpoint of a pool and reports problems: `python -m services.router.check`.

__main__: The command.
probe: Asks every endpoint for its models, and for a reply of one token.
report: Compares the answers with the pool file; one report per endpoint.
"""
