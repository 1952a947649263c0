"""Abilities of models, estimated from marks; pure, needs numpy.

``marks (M, K, L) -> Abilities -> the next question of a model, or none``

next_question: Chooses the question that tells most of a model.
marks_test: Tests whether two parts of a model's marks are those of one and the same model.
item_response: Abilities and difficulties from marks.
"""
