"""Measures routing on recordings: `routemoa eval`, `replay` and `rollout`. Needs `[serve,cli]`.

- answers: replays recorded answers through the real services.
- decisions: chooses anew for decision records, under another policy or scorer; calls no model.
- rollout: brings a new artifact to running scorers by steps, by what decisions and feedback show.
- report: estimates, tables, Markdown and pages for both.
- __main__: `python -m services.evaluation`, which the command line runs.
"""
