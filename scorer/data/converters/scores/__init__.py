"""Scores: cells of any kind -> numbers in [0, 1].

cells: one cell, read as a number, a percentage, a word or no label.
scale: the range of a source's scores, found or told.
"""
