"""Exploration: a small share of the answers tries a model that would not be chosen.

explorer: draws models to try, within a daily budget.
chances: the chance of each model to be drawn, and to be selected.
"""
