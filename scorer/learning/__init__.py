"""Learning from traffic: decisions and feedback -> a corrected artifact. Needs onnx, not torch.

learn: everything, in order.
belief: the worth of what models say, for the judge.
report: the report of a run.
fit: trust, changes and shifts, fitted.
traffic/: decision records and feedback, read and joined.
labelling: decisions and feedback -> labels of single answers, with weights.
labels: the labels of single answers.
trust: the weight of each rater, by agreement.
correction: the shift of each model in each kind.
changes: the models whose answers changed; needs no onnx.
change_point: the time at which a model changed.
comparison: the corrected scores against the serving ones, on the newest traffic.
corrected_artifact: an artifact with the shifts in its weights.
prior_scores: an artifact's scores and kinds for the queries.
"""
