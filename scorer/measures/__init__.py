"""Measures: figures of choices, probabilities and spending, against labels. Needs numpy only.

Arrays have N queries and M models. NaN in ``targets`` is no label: such a model is no candidate for
such a query. ``weights`` (N,) sum to 1 and make a weighted mean the pool's average; without them each
query has the same weight.

ranking: the outcome of running the first-ranked models.
calibration: the difference between scores and probabilities.
coverage: the value of an uncertainty.
frontier: score against dollars.
intervals: means with bootstrapped intervals.
betting_test: a sequential test of the mean of bounded differences.
confidence_sequence: bounds of a mean that hold at all times together.
benefit: first choices against those of simpler ways to choose.
traffic_gain: first choices against those of the scorer that served before.
answer_gain: what the text of an answer adds to the prior score of its model.
"""
