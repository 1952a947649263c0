"""Measures routing on recordings: `routemoa eval`, `replay`, `rollout`, `arena`. Needs `[serve,cli]`.

- answers: replays recorded answers through the real services.
- decisions: chooses anew for decision records, under another policy or scorer; calls no model.
- rollout: brings a new artifact to running scorers by steps, by what decisions and feedback show.
- arena: writes a submission to RouterArena, and gives the figures of its files.
- report: estimates, tables, Markdown and pages for both.
- __main__: `python -m services.evaluation`, which the command line runs.
"""
