"""Pictures: plain values -> marks on a figure, one kind of picture per module.

bars: hits of methods and of teams.
coverage_plot: mean score against coverage.
dumbbells: first choices before and now.
forest: estimates with their intervals.
frontier_plot: mean score against mean cost.
heat_map: tasks x models.
histogram: the distribution of scores.
learning_plot: mean score by the number of training records.
reliability: reliability diagrams.
marks: the line or dot of each name.
"""
