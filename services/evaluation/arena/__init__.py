"""RouterArena: a submission from a pool, and the figures of its files: `routemoa arena`.

``dataset -> queries -> the services' choices -> config and predictions -> RouterArena -> figures``

- arena_command: the commands and their options.
- choices: asks the services which model each query gets; no model runs.
- files: reads and writes RouterArena's files.
- figures: the arena score, and robustness.
"""
