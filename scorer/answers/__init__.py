"""The answer scorer: how likely a given model's given answer to a given query is right.

``query, answer -> features (F,); with the model and its prior score -> AnswerModel -> score``

Needs numpy, and neither a tokenizer nor ONNX Runtime, so that the judge can load it.

answer_artifact: The directory of an answer scorer, verified by hash.
answer_scores: Scores the answers to one query.
answer_model: A small network in numpy, shared by all models, with a linear part per model.
answer_features: All features of a query and an answer.
wording: Features of the words of an answer: hedges, refusals, corrections.
form: Features of the characters of an answer: length, marks, repetition.
numbers: Features of the numbers of an answer: equations that hold, and what the last number is.
choices: Features of the choice that an answer takes, where the query names choices.
"""
