"""Learning of the worth of what models say.

learn_belief: decisions with feedback -> the parameters of the judge's belief.
"""
