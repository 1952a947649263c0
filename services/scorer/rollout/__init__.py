"""A rollout while the scorer serves: both artifacts score a query, and one of them answers.

candidate: Opens the candidate of the current rollout, and closes it at the end.
arms: Ranks a query on both arms.
"""
