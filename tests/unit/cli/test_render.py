from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict

from routemoa.cli.render import (
    incomplete_note,
    layer_table,
    pool_table,
    ranking_table,
    result_table,
    scores_table,
)
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2
from routemoa.v1.scorer_service_pb2 import RankModelsResponse
from tests.unit.cli.text import rendered
from tests.unit.client import samples

PRIOR_SCORES = {"acme/large": 0.8, "acme/small": 0.75, "acme/medium": 0.7}


def row_of(model_id: str, text: str) -> str:
    """Returns a model's row, with one blank between its words."""
    (line,) = [line for line in text.splitlines() if model_id in line]
    return " ".join(line.split())


def test_a_ranking_shows_the_best_models_and_counts_the_others() -> None:
    text = rendered(ranking_table(samples.routing(1, "acme/large", "acme/small"), max_rows=4))
    assert row_of("acme/large", text) == "✓ acme/large 0.800 0.750 $0.001000 2.00 s"
    assert row_of("acme/medium", text).startswith("acme/medium ")
    assert "… 8 more" in text
    assert "model-1" not in text


def test_a_ranking_always_shows_the_models_that_run() -> None:
    text = rendered(ranking_table(samples.routing(1, "other/model-8"), max_rows=2))
    assert row_of("other/model-8", text).startswith("✓ ")
    assert "… 9 more" in text


def test_a_layer_shows_prior_self_cross_and_posterior_and_absent_is_not_zero() -> None:
    text = rendered(layer_table(samples.layer(samples.LAYER_TWO), PRIOR_SCORES))
    assert row_of("acme/large", text) == "✓ acme/large 0.800 0.950 - 0.910 $0.001500 1.50 s"
    assert row_of("acme/small", text) == "acme/small 0.750 - 0.000 0.300"


def test_a_model_that_failed_shows_how() -> None:
    text = rendered(layer_table(samples.layer(samples.LAYER_TWO), PRIOR_SCORES))
    assert row_of("acme/medium", text) == "✗ acme/medium 0.700 rate limited $0.000000 30 ms"


def test_a_result_says_who_answered_why_it_ended_and_what_it_took() -> None:
    text = rendered(result_table(samples.result()))
    assert "acme/large, from the answers of the last layer" in text
    assert "an answer reached the stopping score" in text
    assert "$0.003000 for 5 calls (1 failed), 650 tokens read and 75 written" in text
    assert "3.60 s, first text after 2.90 s" in text
    assert "models 2.75 s, aggregator 800 ms, scorer 8.0 ms, judge 2.0 ms, router 40 ms" in text
    assert "judge failed (unavailable); used prior scores instead" in text


def test_a_result_of_one_call_names_no_aggregation_and_no_fallback() -> None:
    result = samples.result()
    del result.usage[1:]
    del result.fallbacks[:]
    result.usage[0].estimated = True
    text = rendered(result_table(result))
    assert "last layer" not in text
    assert "aggregator" not in text
    assert "fallback" not in text
    assert "1 call, about 100 tokens read" in text


@pytest.mark.parametrize(
    ("reason", "note"),
    [
        (model_pb2.FINISH_REASON_LENGTH, "not complete: the token limit cut it off"),
        (model_pb2.FINISH_REASON_CONTENT_FILTER, "not complete: a filter cut it off"),
        (model_pb2.FINISH_REASON_REFUSAL, "the model refused"),
        (model_pb2.FINISH_REASON_STOP, ""),
    ],
)
def test_an_answer_that_was_cut_off_is_never_shown_as_complete(
    reason: model_pb2.FinishReason.ValueType, note: str
) -> None:
    result = samples.result()
    result.answer.finish_reason = reason
    text = rendered(result_table(result))
    assert note in text
    assert bool(note) == bool(incomplete_note(result.answer))


def test_the_words_of_a_backend_that_failed_are_shown() -> None:
    result = samples.result()
    result.usage[0].backend_message = "400: no such parameter"
    assert "acme/large: 400: no such parameter" in rendered(result_table(result))


def test_scores_come_with_bars_as_long_as_they_are_high() -> None:
    scores = [
        model_pb2.ModelScore(model_id="acme/large", score=1.0),
        model_pb2.ModelScore(model_id="acme/small", score=0.5),
        model_pb2.ModelScore(model_id="acme/none", score=0.0),
    ]
    text = rendered(scores_table(RankModelsResponse(model_scores=scores)))
    assert [line.count("━") for line in text.splitlines()[1:]] == [24, 12, 0]


def test_the_pool_shows_prices_latency_and_context() -> None:
    model = {
        "model_id": "acme/large",
        "prompt_price_usd_per_million_tokens": 0.15,
        "completion_price_usd_per_million_tokens": 12.5,
        "median_latency": "0.800s",
        "context_window_token_count": 128000,
    }
    text = rendered(pool_table([ParseDict(model, model_pb2.Model())]))
    assert row_of("acme/large", text) == "acme/large 0.15 12.50 800 ms 128,000"


def test_markup_and_escape_codes_of_a_server_are_plain_text() -> None:
    ranked = router_pb2.RankedModel(model_id="[bold]\x1b[2Jevil[/bold]")
    text = rendered(ranking_table(router_pb2.RoutingDecision(ranked_models=[ranked]), max_rows=4))
    assert "[bold]\N{REPLACEMENT CHARACTER}[2Jevil[/bold]" in text


def test_the_longest_names_leave_the_tables_within_the_width() -> None:
    ranked = [router_pb2.RankedModel(model_id="z" * 200, score=0.5)]
    decision = router_pb2.RoutingDecision(ranked_models=ranked, selected_model_ids=["z" * 200])
    text = rendered(ranking_table(decision, max_rows=4))
    assert max(map(len, text.splitlines())) <= 100
    assert "0.500" in text
    assert text.count("z") == 200
