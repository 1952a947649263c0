"""Serves one GGUF file by the server of llama.cpp, with an API like OpenAI's, on loopback.

    .venv-models/bin/python services/local/llama_server.py MODEL.gguf --port 8080 --name smollm2

It runs with the Python that has the package `xllamacpp`, and imports nothing else of this repository.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
from dataclasses import dataclass

PLAIN_TURNS = """\
{% for message in messages %}\
{% if message.role == 'system' %}{{ message.content }}

{% elif message.role == 'user' %}Question: {{ message.content }}
{% else %}Answer: {{ message.content }}

{% endif %}\
{% endfor %}Answer:"""
"""The chat template of a base model, which has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a server."""

    model: str
    port: int
    name: str
    context_tokens: int
    """Context window of each of the parallel requests."""
    parallel: int
    threads: int
    base: bool


def read_options() -> Options:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(description="Serves one GGUF file by llama.cpp.")
    parser.add_argument("model", help="GGUF file")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True, help="name of the model in requests")
    parser.add_argument("--context-tokens", type=int, default=4096)
    parser.add_argument("--parallel", type=int, default=2, help="requests at a time")
    parser.add_argument("--threads", type=int, default=max(1, min(4, (os.cpu_count() or 2) // 2)))
    parser.add_argument("--base", action="store_true", help="a base model without a chat template")
    return Options(**vars(parser.parse_args()))


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    options = read_options()
    signals = [signal.SIGTERM, signal.SIGINT]
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # the server's threads inherit it
    llama = importlib.import_module("xllamacpp")
    parameters = llama.CommonParams()
    parameters.model.path = options.model
    parameters.model_alias = {options.name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = options.port
    parameters.n_ctx = options.context_tokens * options.parallel
    parameters.n_parallel = options.parallel
    parameters.cpuparams.n_threads = options.threads
    parameters.cpuparams_batch.n_threads = options.threads
    parameters.n_gpu_layers = 0
    parameters.use_jinja = True
    parameters.endpoint_metrics = True
    if options.base:
        parameters.chat_template = PLAIN_TURNS
        parameters.antiprompt = ["\nQuestion:", "\nAnswer:"]  # it would go on asking itself
    server = llama.Server(parameters)  # serves as long as it is referred to
    signal.sigwait(signals)
    del server


if __name__ == "__main__":
    main()
