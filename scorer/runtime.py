"""Artifact -> ONNX Runtime session -> scores for a batch of queries."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from scorer.artifact import ArtifactError, Tier
from scorer.batches import pad, pad_ngrams
from scorer.mixture.complement import complementary_models
from scorer.mixture.uncertainty import uncertainty
from scorer.tokenizer import QueryTokenizer, TokenizedQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.artifact import Artifact

NGRAM_INPUT = "ngram_ids"
INPUT_NAMES = {
    Tier.BASE: ("input_ids", "attention_mask", NGRAM_INPUT),
    Tier.EDGE: (NGRAM_INPUT,),
}

SCORES_OUTPUT = "scores"
"""Calibrated score per query and model, (B, M)."""
CLASS_WEIGHTS_OUTPUT = "class_weights"
"""How much each query is of each response class, (B, C)."""
SUCCESS_OUTPUT = "success"
"""Chance that a model answers a query of a class well, (C, M): the same for every batch."""
OUTPUTS = (SCORES_OUTPUT, CLASS_WEIGHTS_OUTPUT, SUCCESS_OUTPUT)

TOKENS_OUTPUT = "completion_tokens"
"""Expected length of a model's reply, (B, M); only where the training data had lengths."""


class Provider(enum.StrEnum):
    """The hardware that runs the graph."""

    CPU = "cpu"
    CUDA = "cuda"


_ORT_NAMES = {Provider.CPU: "CPUExecutionProvider", Provider.CUDA: "CUDAExecutionProvider"}


class ProviderUnavailableError(RuntimeError):
    """Raised when the provider that was asked for is not the one that ONNX Runtime would use."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """All that an artifact says about B queries."""

    scores: npt.NDArray[np.float32]
    """Score in [0, 1] per query and model, (B, M)."""
    class_weights: npt.NDArray[np.float32]
    """How much each query is of each response class, (B, C); each row sums to 1."""
    completion_tokens: npt.NDArray[np.float32] | None
    """Expected tokens of a reply, (B, M); None where the artifact was not taught any."""
    uncertainty: npt.NDArray[np.float64]
    """How little the ranking is to be relied on, in [0, 1], (B,): the kind of query is unclear, or no
    model is likely to answer it well. See ``scorer.mixture.uncertainty``."""


class Runtime:
    """Scores queries with one artifact; safe to call from several threads."""

    def __init__(self, artifact: Artifact, session: ort.InferenceSession) -> None:
        self.artifact = artifact
        self.model_ids = artifact.manifest.model_ids
        self.version = artifact.manifest.version
        self.max_tokens = artifact.manifest.max_tokens
        self.class_count = artifact.manifest.class_count
        self.provider = _provider_of(session)
        self._session = session
        self._input_names = INPUT_NAMES[artifact.manifest.tier]
        self._output_names = {output.name for output in session.get_outputs()}
        self._tokenizer = QueryTokenizer(
            artifact.tokenizer_path if artifact.manifest.tier is Tier.BASE else None,
            max_tokens=self.max_tokens,
            ngram_buckets=artifact.manifest.ngram_buckets,
        )

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
        if not queries:
            return np.empty((0, len(self.model_ids)), dtype=np.float32)
        scores: npt.NDArray[np.float32]
        (scores,) = self._session.run([SCORES_OUTPUT], self._feeds(queries))
        return scores

    def read(self, queries: Sequence[TokenizedQuery]) -> Reading:
        """Returns all that the artifact says about queries, at least one."""
        names = [SCORES_OUTPUT, CLASS_WEIGHTS_OUTPUT]
        if TOKENS_OUTPUT in self._output_names:
            names.append(TOKENS_OUTPUT)
        outputs = dict(zip(names, self._session.run(names, self._feeds(queries)), strict=True))
        return Reading(
            scores=outputs[SCORES_OUTPUT],
            class_weights=outputs[CLASS_WEIGHTS_OUTPUT],
            completion_tokens=outputs.get(TOKENS_OUTPUT),
            uncertainty=uncertainty(
                outputs[CLASS_WEIGHTS_OUTPUT],
                [skill.class_count for skill in self.artifact.manifest.skills],
                outputs[SCORES_OUTPUT],
            ),
        )

    def team(self, queries: Sequence[TokenizedQuery], count: int) -> npt.NDArray[np.intp]:
        """Returns the columns of ``count`` models per query that complement one another, (B, count).

        Raises:
            ValueError: There are fewer than ``count`` models.
        """
        names = [CLASS_WEIGHTS_OUTPUT, SUCCESS_OUTPUT]
        weights, success = self._session.run(names, self._feeds(queries))
        return complementary_models(weights, success, count=count)

    def class_success(self) -> npt.NDArray[np.float32]:
        """Returns the chance that a model answers a query of a response class well, shape (C, M)."""
        success: npt.NDArray[np.float32]
        (success,) = self._session.run([SUCCESS_OUTPUT], self._feeds([self.tokenize("a word")]))
        return success

    def _feeds(self, queries: Sequence[TokenizedQuery]) -> dict[str, npt.NDArray[np.int64]]:
        feeds = {NGRAM_INPUT: pad_ngrams(queries)}
        if len(self._input_names) > 1:
            feeds |= zip(self._input_names, pad(queries), strict=False)
        return feeds


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
    outputs = {output.name: output.shape for output in session.get_outputs()}
    expected = {
        SCORES_OUTPUT: len(manifest.model_ids),
        CLASS_WEIGHTS_OUTPUT: manifest.class_count,
    }
    problems = [f"model.onnx: has no output {name}" for name in OUTPUTS if name not in outputs]
    problems += [
        f"model.onnx: output {name} has width {outputs[name][-1]}; the manifest says {width}"
        for name, width in expected.items()
        if name in outputs and outputs[name][-1] != width
    ]
    inputs = sorted(value.name for value in session.get_inputs())
    wanted = sorted(INPUT_NAMES[manifest.tier])
    if inputs != wanted:
        problems.append(f"model.onnx: inputs are {inputs}, not {wanted}")
    if problems:
        raise ArtifactError(artifact.path, problems)
