"""Export: checkpoints -> artifacts, and artifacts -> other artifacts, in ONNX. Needs onnx.

export: a checkpoint as an fp32 artifact. Needs torch.
quantize: an fp32 artifact as an int8 or fp16 one.
eight_bit_products: an encoder's matrix products, of integers.
half_precision: a graph with float16 weights.
parity: measurements of two forms of a scorer, with their gates.
graph: the names of a graph's weights and nodes.
model_columns: the weights of a graph that belong to single models.
edit_models: an artifact with models added, replaced, removed or renamed.
benefit_gate: refuses a scorer that is worse than the best single model.
activation: the link to the artifact that a running scorer serves.
"""
