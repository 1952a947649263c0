"""Pool: the models that the router may call, as an operator describes them in a YAML file.

pool: The pool, read from its file, and sets of its models as arrays.
model: A model of the pool.
prices: The prices of a model.
backend: The kinds of backends.
request_shape: The shape of the requests that a model accepts.
families: The request shapes and capabilities of families of models, guessed from names.
endpoints: The addresses of a model's replicas.
backend_files: The files of a backend: its key, its CAs.
yaml_file: Reads and validates a YAML file; every problem has its line.
yaml_nodes: Reads YAML within bounds of size, depth and repetition.
call_estimates: Estimates what a call to each model costs and how long it takes.
expected_latency: Estimates how long a call to a model takes, from recent calls.
"""
