"""Pool: the models that the router may call, as an operator describes them in a YAML file.

pool: The pool, read from its file.
model: A model of the pool.
prices: The prices of a model.
backend: The kinds of backends.
endpoints: The addresses of a model's replicas.
ca_file: TLS to backends with certificates of a private CA.
yaml_file: Reads and validates a YAML file; every problem has its line.
expected_latency: Estimates how long a call to a model takes, from recent calls.
"""
