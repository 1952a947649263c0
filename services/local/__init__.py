"""All services on one machine, for development: `routemoa up`, `demo` and `pool`. Needs `[serve,cli]`.

- demo: `routemoa demo`.
- pool_check: `routemoa pool`.
- pool_scores: which models are guessed.
- process: one child process.
- llama_server: serves one GGUF file; runs with another Python.
- real_pool: small real models on this machine, and their pool file.
- stack: simulator, scorer, judge, router and gateway as child processes.
- up: `routemoa up`.
- __main__: `python -m services.local`, which the command line runs.
"""
