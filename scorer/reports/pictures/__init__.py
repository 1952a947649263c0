"""Pictures: plain values -> marks on a figure, one kind of picture per module.

bars: hits of methods and of teams.
changes: first choices before and now.
coverage: mean score against coverage.
forest: estimates with their intervals.
frontier: mean score against mean cost.
heat_map: tasks x models.
histogram: the distribution of scores.
learning_curve: mean score by the number of training records.
reliability: reliability diagrams.
marks: the line or dot of each name.
"""
