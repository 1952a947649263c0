"""`python -m tests.bench.scorer_peers.servers.with_triton --port N`; two more ports follow."""

from __future__ import annotations

import argparse

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from tests.bench.scorer_peers.servers.model import MAX_BATCH, PATIENCE_MS, Model


def main(port: int) -> None:
    """Serves until told to stop."""
    model = Model()

    @batch  # type: ignore[untyped-decorator]
    def score(query: np.ndarray) -> dict[str, np.ndarray]:
        texts = [row[0].decode() for row in query]
        return {"scores": np.asarray(model.score(texts), dtype=np.float32)}

    config = TritonConfig(http_port=port, grpc_port=port + 1, metrics_port=port + 2, log_verbose=0)
    with Triton(config=config) as triton:
        triton.bind(
            model_name="scores",
            infer_func=score,
            inputs=[Tensor(name="query", dtype=bytes, shape=(1,))],
            outputs=[Tensor(name="scores", dtype=np.float32, shape=(-1,))],
            config=ModelConfig(
                max_batch_size=MAX_BATCH,
                batcher=DynamicBatcher(max_queue_delay_microseconds=PATIENCE_MS * 1000),
            ),
        )
        triton.serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    main(parser.parse_args().port)
