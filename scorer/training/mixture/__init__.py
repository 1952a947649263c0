"""The scorer's own method: every query is a mixture of classes of which models succeed together.

A **skill** is a kind of query (a task of the training data). A **response class** is a pattern within
a skill: which models answer such queries well. A query's features say how much of each class it is.
"""
