"""The engine: runs the layers of an answer. Strategies decide, the engine calls models.

engine: The building blocks of strategies: screen, layer, assess, stream, aggregate.
run: The state of one answer.
planner: Plans the next layer of a run.
proposals: Requests to the models of a layer, and their answers.
layer: Runs the models of a layer together.
patience: The time that a layer waits.
layer_policy: Decides how a layer ends before its slowest model.
speculative_answer: The final answer, started before its layer ends.
aggregation: Merges several answers into one.
repair: Has an invalid answer written again.
final_answer: Streams the final answer to the caller.
reservations: Reserves room for calls.
errors: Errors of a run without an answer.
metrics: Prometheus metrics of whole answers.
"""
