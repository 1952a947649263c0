"""`python -m tests.bench.scorer_peers.servers.with_litserve --port N`."""

from __future__ import annotations

import argparse
from typing import Any

import litserve

from tests.bench.scorer_peers.servers.model import MAX_BATCH, PATIENCE_MS, Model


class Scores(litserve.LitAPI):  # type: ignore[misc]  # LitServe is not there in development
    """Scores a batch of requests."""

    def setup(self, device: str) -> None:
        """Opens the model."""
        self._model = Model()

    def decode_request(self, request: dict[str, str]) -> str:
        """Returns the text."""
        return request["query"]

    def predict(self, texts: list[str]) -> list[list[float]]:
        """Returns the scores of every text."""
        return self._model.score(texts)

    def encode_response(self, row: list[float]) -> dict[str, Any]:
        """Returns one answer."""
        return {"scores": row}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    api = Scores(max_batch_size=MAX_BATCH, batch_timeout=PATIENCE_MS / 1000)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=parser.parse_args().port, host="127.0.0.1", generate_client_file=False)
