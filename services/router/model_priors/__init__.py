"""Model priors: what names and prices say of models that the scorer does not know. Pure.

facts: The facts that an estimate uses.
model_name: Reads a name: words, versions, sizes, dates, quantization.
releases: Release months and sizes of families of models.
matching: Finds the scorer's models among a pool's, however they are spelled.
ability: Estimates abilities by a small regression.
estimate: Estimates scores on the scale of the known models.
"""
