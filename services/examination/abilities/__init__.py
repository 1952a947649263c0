"""Abilities of models, estimated from marks; pure, needs numpy.

``marks (M, K, L) -> Abilities -> the next question of a model, or none``

next_question: Chooses the question that tells most of a model.
marks_test: Tests of a model's marks: a change, and guessing.
item_response: Abilities and difficulties from marks.
"""
