"""Scores batches of queries with an artifact, in an ONNX Runtime session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.runtime.artifact import ArtifactError, Tier
from scorer.runtime.batches import pad, pad_ngrams
from scorer.runtime.recorded_graph import OPTIONS as RECORDING_OPTIONS
from scorer.runtime.recorded_graph import RecordedGraph
from scorer.runtime.session import Provider, open_session, provider_of
from scorer.runtime.team_rule import team_columns
from scorer.runtime.tokenizer import QueryTokenizer, TokenizedQuery
from scorer.runtime.uncertainty import uncertainty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import onnxruntime as ort

    from scorer.runtime.artifact import Artifact, Precision

NGRAM_INPUT = "ngram_ids"
INPUT_NAMES = {
    Tier.BASE: ("input_ids", "attention_mask", NGRAM_INPUT),
    Tier.EDGE: (NGRAM_INPUT,),
}

SCORES_OUTPUT = "scores"
"""Calibrated scores, (B, M)."""
CLASS_WEIGHTS_OUTPUT = "class_weights"
"""Share of each query in each response class, (B, C)."""
SUCCESS_OUTPUT = "success"
"""Probability that a model answers a query of a class well, (C, M); the same for every batch."""
OUTPUTS = (SCORES_OUTPUT, CLASS_WEIGHTS_OUTPUT, SUCCESS_OUTPUT)

TOKENS_OUTPUT = "completion_tokens"
"""Expected tokens of a model's reply, (B, M); only where the training data had lengths."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """The outputs of an artifact for B queries."""

    scores: npt.NDArray[np.float32]
    """Calibrated scores in [0, 1], (B, M)."""
    class_weights: npt.NDArray[np.float32]
    """Share of each query in each response class, (B, C); each row sums to 1."""
    completion_tokens: npt.NDArray[np.float32] | None
    """Expected tokens of a reply, (B, M); None where the training data had no lengths."""
    uncertainty: npt.NDArray[np.float64]
    """Uncertainty of the ranking in [0, 1], (B,); see ``scorer.runtime.uncertainty``."""


class Runtime:
    """Scores queries with one artifact; safe to call from several threads."""

    def __init__(
        self,
        artifact: Artifact,
        session: ort.InferenceSession,
        graph: RecordedGraph | None = None,
        precision: Precision | None = None,
    ) -> None:
        self.artifact = artifact
        self.model_ids = artifact.manifest.model_ids
        self.version = artifact.manifest.version
        self.max_tokens = artifact.manifest.max_tokens
        self.class_count = artifact.manifest.class_count
        self.provider = provider_of(session)
        self.precision = precision or artifact.manifest.precision
        self._graph = graph or session
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
        precision: Precision | None = None,
        provider: Provider = Provider.CPU,
        provider_options: Mapping[str, str] | None = None,
        intra_op_threads: int = 0,
        intra_op_affinities: str = "",
        allow_fallback: bool = False,
    ) -> Runtime:
        """Opens a session.

        Args:
            artifact: The artifact.
            precision: One of the manifest's `precisions`; None for the first, that of the weights.
            provider: The execution provider.
            provider_options: Options of the provider, by ONNX Runtime's names. If they ask for CUDA
                graphs, batches are rounded up to few shapes.
            intra_op_threads: Threads of one call; 0 is one per physical core, or one per usable core
                if the process may use only some.
            intra_op_affinities: Processors of all those threads but the first, in ONNX Runtime's
                notation; empty leaves the choice to the kernel.
            allow_fallback: Use the CPU if ``provider`` is not available.

        Raises:
            ProviderUnavailableError: ``provider`` is not available and ``allow_fallback`` is false, or
                both builds of ONNX Runtime are installed.
            ArtifactError: The graph does not fit its manifest, or cannot run in ``precision``.
        """
        possible = artifact.manifest.precisions
        precision = precision or possible[0]
        if precision not in possible:
            raise ArtifactError(
                artifact.path, [f"runs in {', '.join(possible)}; {precision} was asked for"]
            )
        session = open_session(
            artifact.model_path,
            widen=precision is not artifact.manifest.precision,
            provider=provider,
            provider_options=provider_options,
            intra_op_threads=intra_op_threads,
            intra_op_affinities=intra_op_affinities,
            allow_fallback=allow_fallback,
        )
        _check_graph(artifact, session)
        # After a fallback the options, which are of the requested provider, do not apply.
        options = (provider_options or {}) if provider_of(session) is provider else {}
        recorded = any(options.get(name) == "1" for name in RECORDING_OPTIONS)
        graph = RecordedGraph(session, "cuda") if recorded else None
        return cls(artifact, session, graph, precision)

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns a text as a query that can be scored."""
        return self._tokenizer.encode(text)

    def score(self, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
        """Returns the calibrated scores in [0, 1], (B, M), columns as ``model_ids``."""
        if not queries:
            return np.empty((0, len(self.model_ids)), dtype=np.float32)
        scores: npt.NDArray[np.float32]
        (scores,) = self._run([SCORES_OUTPUT], queries)
        return scores

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        """Returns all outputs for at least one query."""
        names = [SCORES_OUTPUT, CLASS_WEIGHTS_OUTPUT]
        if TOKENS_OUTPUT in self._output_names:
            names.append(TOKENS_OUTPUT)
        outputs = dict(zip(names, self._run(names, queries), strict=True))
        return Prediction(
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
        """Returns the columns of ``count`` models per query that run together, (B, count).

        Raises:
            ValueError: There are fewer than ``count`` models.
        """
        weights, success, scores = self._run(
            [CLASS_WEIGHTS_OUTPUT, SUCCESS_OUTPUT, SCORES_OUTPUT], queries
        )
        return team_columns(
            self.artifact.manifest.team_rule,
            class_weights=weights,
            success=success,
            scores=scores,
            count=count,
        )

    def class_success(self) -> npt.NDArray[np.float32]:
        """Returns the probability that a model answers a query of a response class well, (C, M)."""
        success: npt.NDArray[np.float32]
        (success,) = self._run([SUCCESS_OUTPUT], [self.tokenize("a word")])
        return success

    def _run(
        self, names: Sequence[str], queries: Sequence[TokenizedQuery]
    ) -> list[npt.NDArray[np.float32]]:
        outputs = self._graph.run(names, feeds_of(self.artifact.manifest.tier, queries))
        return [
            output if name == SUCCESS_OUTPUT else output[: len(queries)]
            for name, output in zip(names, outputs, strict=True)
        ]


def feeds_of(tier: Tier, queries: Sequence[TokenizedQuery]) -> dict[str, npt.NDArray[np.int64]]:
    """Returns the inputs (B, ...) of a graph by name, for at least one query."""
    feeds = {NGRAM_INPUT: pad_ngrams(queries)}
    if tier is Tier.BASE:
        feeds |= zip(INPUT_NAMES[tier], pad(queries), strict=False)
    return feeds


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
