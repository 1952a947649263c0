"""Artifact -> ONNX Runtime session -> scores for a batch of queries."""

from __future__ import annotations

import enum
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from scorer.artifact import ArtifactError
from scorer.batches import pad
from scorer.tokenizer import QueryTokenizer, TokenizedQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.artifact import Artifact

INPUT_NAMES = ("input_ids", "attention_mask")
SCORES_OUTPUT = "scores"
EMBEDDING_OUTPUT = "query_embedding"


class Provider(enum.StrEnum):
    """The hardware that runs the graph."""

    CPU = "cpu"
    CUDA = "cuda"


_ORT_NAMES = {Provider.CPU: "CPUExecutionProvider", Provider.CUDA: "CUDAExecutionProvider"}


class ProviderUnavailableError(RuntimeError):
    """Raised when the provider that was asked for is not the one that ONNX Runtime would use."""


class Runtime:
    """Scores queries with one artifact; safe to call from several threads."""

    def __init__(self, artifact: Artifact, session: ort.InferenceSession) -> None:
        self.artifact = artifact
        self.model_ids = artifact.manifest.model_ids
        self.version = artifact.manifest.version
        self.max_tokens = artifact.manifest.max_tokens
        self.provider = _provider_of(session)
        self._session = session
        self._tokenizer = QueryTokenizer(artifact.tokenizer_path, max_tokens=self.max_tokens)

    @classmethod
    def open(
        cls,
        artifact: Artifact,
        *,
        provider: Provider = Provider.CPU,
        intra_op_threads: int = 0,
        allow_fallback: bool = False,
    ) -> Runtime:
        """Opens a session.

        Args:
            artifact: What to run.
            provider: The hardware to run it on.
            intra_op_threads: Threads of one call; 0 is one per physical core.
            allow_fallback: Whether the CPU will do where ``provider`` is not to be had.

        Raises:
            ProviderUnavailableError: ``provider`` is not to be had and ``allow_fallback`` is false, or
                both builds of ONNX Runtime are installed.
            ArtifactError: The graph does not fit its manifest.
        """
        _check_installation()
        options = ort.SessionOptions()
        options.intra_op_num_threads = intra_op_threads
        options.inter_op_num_threads = 1
        # Threads that spin while idle save a tenth of a lone short query's time and take a core from
        # everything else: beside other work on two cores, a query then took up to 1.7 times as long.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # ONNX Runtime reports a failed provider as an error line and falls back to the CPU. What it
        # really took is checked below, so its own report would only be noise.
        options.log_severity_level = 4
        # Available means compiled in, not that it works here.
        available = ort.get_available_providers()
        wanted = [_ORT_NAMES[each] for each in dict.fromkeys((provider, Provider.CPU))]
        names = [name for name in wanted if name in available]
        session = ort.InferenceSession(str(artifact.model_path), options, providers=names)
        if _provider_of(session) is not provider and not allow_fallback:
            raise ProviderUnavailableError(
                f"{provider} was asked for and ONNX Runtime would use {_provider_of(session)}"
            )
        _check_graph(artifact, session)
        return cls(artifact, session)

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns the text as ``score`` takes it."""
        return self._tokenizer.encode(text)

    def score(self, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
        """Returns a score in [0, 1] per query and model, shape (B, M), columns as ``model_ids``.

        The batch is padded to its longest query and no further.
        """
        return self._run(SCORES_OUTPUT, queries, len(self.model_ids))

    def embed(self, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
        """Returns the unit-length embedding of each query, shape (B, D)."""
        return self._run(EMBEDDING_OUTPUT, queries, self.artifact.manifest.embedding_width)

    def _run(
        self, output: str, queries: Sequence[TokenizedQuery], width: int
    ) -> npt.NDArray[np.float32]:
        if not queries:
            return np.empty((0, width), dtype=np.float32)
        ids, mask = pad(queries)
        result: npt.NDArray[np.float32]
        (result,) = self._session.run([output], dict(zip(INPUT_NAMES, (ids, mask), strict=True)))
        return result


def _check_installation() -> None:
    """Refuses both builds side by side: they are one module, and which one is imported is chance."""
    installed = {distribution.name.lower() for distribution in metadata.distributions()}
    if {"onnxruntime", "onnxruntime-gpu"} <= installed:
        raise ProviderUnavailableError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; uninstall "
            "both, then install the extra [serve] or [gpu]"
        )


def _provider_of(session: ort.InferenceSession) -> Provider:
    used = session.get_providers()
    return Provider.CUDA if _ORT_NAMES[Provider.CUDA] in used else Provider.CPU


def _check_graph(artifact: Artifact, session: ort.InferenceSession) -> None:
    manifest = artifact.manifest
    widths = {output.name: output.shape[-1] for output in session.get_outputs()}
    expected = {SCORES_OUTPUT: len(manifest.model_ids), EMBEDDING_OUTPUT: manifest.embedding_width}
    problems = [
        f"model.onnx: output {name} has width {widths.get(name)}; the manifest says {width}"
        for name, width in expected.items()
        if widths.get(name) != width
    ]
    inputs = {value.name for value in session.get_inputs()}
    if inputs != set(INPUT_NAMES):
        problems.append(f"model.onnx: inputs are {sorted(inputs)}, not {sorted(INPUT_NAMES)}")
    if problems:
        raise ArtifactError(artifact.path, problems)
