"""How good choices, probabilities and spending are, against labels. Needs numpy only.

Arrays of N queries and M models; NaN in ``targets`` is no label: that model is no candidate for that
query. ``weights`` (N,) sum to 1 and make a weighted mean the pool's average; without them every
query counts the same.
"""
