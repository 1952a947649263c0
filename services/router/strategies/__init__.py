"""Strategies: decide which models are called, and when to stop.

registry: The strategies by name.
presets: Named sets of policy values.
layered: The interface of strategies, and the base of those that run in layers.
routemoa: The calls that are worth their price, and the likeliest answer as it is.
offers: The models whose calls are worth weighing.
independent_answers: Answers of models that did not see one another's.
comparable_share: How often answers can be compared.
layers: The best few in layers, re-ranked by their grades, then merged.
cascade: One model at a time, as long as an answer is worth its price.
single: The best-ranked model alone.
moa: All models in every layer.
smoa: Models in roles, with a judge and a moderator.
self_moa: Several samples of the best-ranked model.
verdicts: Questions to the judge and the moderator of `smoa`.
"""
