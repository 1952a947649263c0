"""Finds out what models can do, by questions that mark themselves. Running it needs `[serve,cli]`.

``pool file -> run -> folder of answers -> report -> page, and routing records for the scorer``

- run_command: `routemoa examine run`: asks the models of a pool.
- report_command: `routemoa examine report`: shows what was found out.
- results/: profiles of models, findings, the report, records for the scorer.
- asking/: asks the models, within limits, and keeps their marks.
- abilities/: abilities of models from marks; the next question.
- questions/: generated questions, their checkers, and questions of the user.
- __main__: `python -m services.examination`, which the command line runs.
"""
