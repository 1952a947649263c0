"""Runtime: everything that the scorer service loads. Needs neither torch nor the training rooms.

artifact: the directory that is a scorer: manifest, graph and tokenizer, verified by hash.
artifact_files: hashes of the artifact's files, those that the graph opens included.
graph_files: the files that an ONNX graph opens.
fields: a reader of typed fields that collects every problem.
runtime: a verified artifact that scores batches of queries.
session: an ONNX Runtime session on the requested hardware.
recorded_graph: a session with few batch shapes, for CUDA graphs.
cores: the number of processors that this process may use.
tokenizer: a text as token ids and n-gram ids.
ngrams: the ids of a text's hashed n-grams.
batches: batches of queries of like length, padded.
team_rule: the models that run together, by the artifact's rule.
max_coverage: models that complement one another, chosen greedily.
uncertainty: how unsure a ranking is.
"""
