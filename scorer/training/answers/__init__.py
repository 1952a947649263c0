"""Learns the answer scorer from records with answers. Needs torch.

answer_training: runs a recipe: records with answers -> an artifact.
answer_learner: fits the network.
answer_examples: features, prior scores and labels of all answers.
disguises: changes of form that must not make a wrong answer look right.
prior_scores: scores of training queries by the labels of the others.
answer_card: the model card.
"""
