"""The model card of an answer scorer, in Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.answers.answer_model import MAX_GAIN

if TYPE_CHECKING:
    from scorer.answers.answer_artifact import AnswerManifest

CARD_FILE = "MODEL_CARD.md"
_CARD = """\
# {version}

An answer scorer: how likely a given model's given answer to a query is right. It reads the form of
the answer, what it shares with the query, its numbers and its choice; not what it means. The judge
uses it if `ROUTEMOA_JUDGE_ANSWER_ARTIFACT` names its directory.

| held-out answers | prior score alone | with the text |
| --- | ---: | ---: |
| loss | {prior_loss:.4f} | {loss:.4f} |
| area under the ROC curve | {prior_auc:.3f} | {auc:.3f} |

The calibration error over all answers is {calibration_error:.3f}.

| records | licence | queries learned from |
| --- | --- | ---: |
{sources}

## Limits

- The text adds at most {max_gain:g} to the log odds of the prior score: form is no proof.
- {model_count} models have weights of their own. Of others, {unknown_share:.0%} of the shared gain
  counts.
- It learned from questions with one right answer, most of them in English. Compare before you rely
  on it for others.
"""


def answer_card(manifest: AnswerManifest) -> str:
    """Returns the model card."""
    figures = {name.removeprefix("validation_"): value for name, value in manifest.metrics.items()}
    sources = [
        f"| {source.name} | {source.licence} | {source.train_rows:,} |"
        for source in manifest.data_sources
    ]
    return _CARD.format(
        version=manifest.version,
        sources="\n".join(sources),
        max_gain=MAX_GAIN,
        model_count=len(manifest.model_ids),
        unknown_share=manifest.unknown_share,
        **figures,
    )
