"""Check: calls every endpoint of a pool and reports problems: `python -m services.router.check`.

__main__: The command.
probe: Asks every endpoint for its models, and for short replies.
capability_probe: Finds out by test calls what a model can do.
proposal: Proposes settings with which a model answers as it should.
report: Compares the answers with the pool file; one report per endpoint.
score_report: Reports where each model's score comes from.
"""
