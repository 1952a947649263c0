"""`python -m tests.bench.scorer_peers.servers.with_mosec --port N`."""

from __future__ import annotations

from typing import Any

from mosec import Server, Worker

from tests.bench.scorer_peers.servers.model import MAX_BATCH, PATIENCE_MS, Model


class Scores(Worker):  # type: ignore[misc]  # mosec is not there in development
    """Scores a batch of requests."""

    def __init__(self) -> None:
        super().__init__()
        self._model = Model()

    def forward(self, data: list[dict[str, str]]) -> list[dict[str, Any]]:
        """Returns one answer per request."""
        rows = self._model.score([item["query"] for item in data])
        return [{"scores": row} for row in rows]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Scores, num=1, max_batch_size=MAX_BATCH, max_wait_time=PATIENCE_MS)
    server.run()
