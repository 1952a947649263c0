"""Right answers against dollars and seconds on recorded pools: `python -m tests.bench.curves`.

- in_process: scorer, judge and router as they are, in this process, without sockets.
- replayed_models: recorded answers in the place of the models.
- ways: the ways to answer, each at several prices: strategies, votes, single models, the oracle.
- points: what a way came to, with intervals, and its place beside the best single model.
- pictures: the curves of a pool.
- __main__: the command, which writes the page.
"""
