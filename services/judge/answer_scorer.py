"""Scores the texts of answers with an artifact that is reloaded when its files change.

Features and network take some tenths of a millisecond per answer. They run in one thread of their own,
so that neither calls nor health checks wait for them.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import structlog

from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from scorer.answers.answer_artifact import AnswerArtifact

RELOAD_INTERVAL_S = 5.0
"""Time between checks of the artifact for changes, as the scorer's default."""
_log = structlog.get_logger()


class AnswerScorer(Protocol):
    """Says how likely answers are right, by their texts."""

    reads_texts: bool
    """True if texts change the scores."""

    @property
    def model_ids(self) -> frozenset[str]:
        """The models that it has learned from."""

    async def scores(
        self, query: str, texts: Mapping[str, str], priors: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Returns the score of each answer by model id, in [0, 1].

        Args:
            query: The query; without one, nothing is scored.
            texts: The answers by model id.
            priors: The prior scores by model id.
        """


class NoAnswerScorer:
    """Scores nothing."""

    reads_texts = False
    model_ids: frozenset[str] = frozenset()

    async def scores(
        self,
        query: str,  # noqa: ARG002  # as in the protocol
        texts: Mapping[str, str],  # noqa: ARG002
        priors: Mapping[str, float],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Returns no score."""
        return {}


NO_ANSWER_SCORER = NoAnswerScorer()


class TextAnswerScorer:
    """Scores texts with the artifact that was valid last, in one thread."""

    reads_texts = True

    def __init__(self, artifact: Reloaded[AnswerArtifact], thread: ThreadPoolExecutor) -> None:
        self._artifact = artifact
        self._thread = thread

    @property
    def model_ids(self) -> frozenset[str]:
        """The models that the artifact has weights of."""
        return frozenset(self._artifact.value.manifest.model_ids)

    async def scores(
        self, query: str, texts: Mapping[str, str], priors: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Returns the score of each answer by model id, in [0, 1]."""
        if not texts or not query.strip():
            return {}
        loop = asyncio.get_running_loop()
        artifact = self._artifact.value
        return await loop.run_in_executor(
            self._thread, _scores, artifact, query, dict(texts), dict(priors)
        )

    async def follow(self) -> None:
        """Reloads the artifact when it changes, until cancelled."""
        while True:
            await asyncio.sleep(RELOAD_INTERVAL_S)
            if await asyncio.to_thread(self._artifact.refresh):
                _log.info("answer_artifact_opened", version=self._artifact.value.manifest.version)


@asynccontextmanager
async def open_answer_scorer(path: Path) -> AsyncIterator[TextAnswerScorer]:
    """Opens an answer scorer, and follows its files until the block ends.

    Raises:
        StartUpError: The artifact is not usable, or numpy is not installed.
    """
    artifact = _opened(path)
    _log.info("answer_artifact_opened", version=artifact.value.manifest.version)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers") as thread:
        scorer = TextAnswerScorer(artifact, thread)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(scorer.follow())
            try:
                yield scorer
            finally:
                following.cancel()


def _opened(path: Path) -> Reloaded[AnswerArtifact]:
    try:
        from scorer.answers import answer_artifact  # noqa: PLC0415 - only this needs numpy
    except ModuleNotFoundError as error:
        raise StartUpError("an answer scorer needs numpy", [str(error)]) from error

    def load() -> AnswerArtifact:
        try:
            return answer_artifact.load_answer_artifact(path)
        except answer_artifact.AnswerArtifactError as error:
            raise FileProblemsError(error.problems) from error

    names = (answer_artifact.MANIFEST_FILE, answer_artifact.WEIGHTS_FILE)
    try:
        return Reloaded("answer_artifact", [path / name for name in names], load)
    except FileProblemsError as error:
        raise StartUpError(f"{path} is not a usable answer scorer", error.problems) from error


def _scores(
    artifact: AnswerArtifact, query: str, texts: Mapping[str, str], priors: Mapping[str, float]
) -> dict[str, float]:
    from scorer.answers.answer_scores import answer_scores  # noqa: PLC0415 - only this needs numpy

    return answer_scores(artifact.model, query, texts, priors)
