"""The worth of what models say, learned from records: the parameters of the judge's belief.

``records -> said scores with what turned out -> a curve per model -> belief.json -> the judge``

Needs nothing but the standard library, so that the judge can load it.

curve: The log odds that a score is worth, and their fit.
share: The share of the answer scorer's log odds that counts, and its fit.
parameters: The file of all that, verified by its version.
"""
