"""The learner: each query is a mixture of response classes.

A **skill** is a kind of query (a task of the training data). A **response class** is a pattern within
a skill: it gives each model's chance to answer well. A query's features give its share of each class.

learner: fits everything, in order.
examples: the labelled queries that the learner reads.
projection: a table that turns n-grams into features (latent semantic analysis).
distillation: a table that predicts an encoder's embedding from n-grams.
skills: the skills of a data set and their response classes.
classes: the response classes of one skill (latent class analysis).
mixture: the class weights of a query, fitted by the likelihood of the labels.
out_of_distribution: class weights of queries that are unlike the training queries.
clusters: k-means.
shrinkage: scores shrunk towards each model's mean, and recalibrated.
team_rule_choice: the rule for teams that suits the pool.
significance: a test of gains on held-out queries against noise.
new_model: a model that is added from a few labelled queries.
amounts: expected costs or lengths of replies per class.
"""
