"""Models that lie, collude or flatter, against the real services: `python -m tests.bench.adversaries`.

- questions: questions with known answers, and what models of known accuracy answer.
- behaviours: how a model answers, scores itself, grades others and merges.
- scenarios: who behaves how, in which pool.
- game: the models as a backend that all scenarios share, and their pool file.
- measurement: asks the router, and compares what came of it with honest models.
- __main__: the command, which writes the page.
"""
