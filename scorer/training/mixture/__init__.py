"""The learner: each query is of a few kinds, and each kind knows how good every model is at it.

No task names are needed. A **kind** is a group of queries whose texts are alike. A query that is like
no kind is treated as the average query.

learner: fits everything, in order.
examples: the labelled queries that the learner reads.
projection: a table that turns n-grams into features (latent semantic analysis).
kinds: the kinds of query, and the share of a query in each.
clusters: k-means.
success: the chance of each model in each kind.
classes: patterns of which models fail together, and the rule for teams.
new_model: a model that is added from a few labelled queries, and the errors of its scores.
amounts: expected costs or lengths of replies per kind.
"""
