"""Texts -> unit-length embeddings, each text embedded once and kept on disk.

``texts -> keys (sha256 of encoder, limit and text) -> kept ones + newly embedded ones -> (N, D)``

A shard is a chunk of texts that were embedded together, written to a temporary name and renamed,
so a run that is interrupted keeps its finished shards and never leaves half of one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

SHARD_SIZE = 256


class TextEncoder(Protocol):
    """Whatever turns texts into embeddings."""

    name: str
    """Tells apart encoders, truncations and versions whose embeddings differ."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Returns the unit-length embeddings of the texts, (N, D)."""
        ...


class EmbeddingCache:
    """Embeddings of texts by one encoder, kept in a directory."""

    def __init__(self, directory: Path, encoder: TextEncoder) -> None:
        self._encoder = encoder
        digest = hashlib.sha256(encoder.name.encode()).hexdigest()[:16]
        self._directory = directory / digest
        self._vectors: dict[bytes, npt.NDArray[np.float32]] = {}
        for path in sorted(self._directory.glob("*.npz")):
            with np.load(path) as shard:
                self._keep(shard["keys"], shard["vectors"])

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Returns the embeddings of the texts, (N, D), computing only those not kept yet."""
        keys = [self._key(text) for text in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._vectors}
        # Like lengths together, so that padding is rare within a shard.
        wanted = sorted(missing, key=lambda key: len(missing[key]))
        shards = [wanted[i : i + SHARD_SIZE] for i in range(0, len(wanted), SHARD_SIZE)]
        if shards:
            for shard in track(shards, f"Embedding {len(wanted)} texts"):
                vectors = self._encoder.encode([missing[key] for key in shard])
                self._write(np.array(shard), vectors)
                self._keep(np.array(shard), vectors)
        return np.stack([self._vectors[key] for key in keys])

    def _key(self, text: str) -> bytes:
        # Hexadecimal, since numpy's byte strings lose trailing zero bytes.
        return hashlib.sha256(f"{self._encoder.name}\0{text}".encode()).hexdigest().encode()

    def _keep(self, keys: npt.NDArray[np.bytes_], vectors: npt.NDArray[np.float32]) -> None:
        self._vectors.update(zip(keys.tolist(), vectors, strict=True))

    def _write(self, keys: npt.NDArray[np.bytes_], vectors: npt.NDArray[np.float32]) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:32]
        handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, keys=keys, vectors=vectors)
        Path(temporary).rename(self._directory / f"{name}.npz")
