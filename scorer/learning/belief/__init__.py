"""Learning of the worth of what models say.

rated_answers: Answers that feedback rates, with what models said of them.
held_out: The gain of the learned words on queries that they were not learned from.
learn_belief: decisions with feedback -> the parameters of the judge's belief.
"""
