"""Measures routing on recordings: `routemoa eval` and `routemoa replay`. Needs `[serve,cli]`.

- answers: replays recorded answers through the real services.
- decisions: chooses anew for decision records, under another policy or scorer; calls no model.
- report: estimates, tables, Markdown and pages for both.
- __main__: `python -m services.evaluation`, which the command line runs.
"""
