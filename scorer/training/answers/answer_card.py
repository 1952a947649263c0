"""The model card of an answer scorer, in Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.answers.answer_model import MAX_GAIN

if TYPE_CHECKING:
    from scorer.answers.answer_artifact import AnswerManifest

CARD_FILE = "MODEL_CARD.md"


def answer_card(manifest: AnswerManifest) -> str:
    """Returns the model card."""
    figures = {
        name.removeprefix("validation_"): value for name, value in manifest.metrics.items()
    }
    sources = [
        f"| {source.name} | {source.licence} | {source.train_rows:,} |"
        for source in manifest.data_sources
    ]
    return "\n".join(
        [
            f"# {manifest.version}",
            "",
            "An answer scorer: how likely a given model's given answer to a query is right. It reads the",
            "form of the answer, what it shares with the query, its numbers and its choice; not what it",
            "means. The judge uses it where `ROUTEMOA_JUDGE_ANSWER_ARTIFACT` names its directory.",
            "",
            "| held-out answers | prior score alone | with the text |",
            "| --- | ---: | ---: |",
            f"| loss | {figures['prior_loss']:.4f} | {figures['loss']:.4f} |",
            f"| area under the ROC curve | {figures['prior_auc']:.3f} | {figures['auc']:.3f} |",
            "",
            f"Calibration error over all answers: {figures['calibration_error']:.3f}.",
            "",
            "| records | licence | queries learned from |",
            "| --- | --- | ---: |",
            *sources,
            "",
            "## Limits",
            "",
            f"- The text adds at most {MAX_GAIN:g} to the log odds of the prior score. A form is no proof.",
            f"- {len(manifest.model_ids)} models have weights of their own. Of others, "
            f"{100 * manifest.unknown_share:.0f} % of the shared evidence counts.",
            "- It learned from questions with one right answer, most of them English. On others, compare",
            "  before you rely on it.",
            "",
        ]
    )
