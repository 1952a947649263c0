"""One answer of two layers, event by event, as a router could send it."""

from __future__ import annotations

from google.protobuf.json_format import ParseDict

from routemoa.v1 import router_service_pb2 as router_pb2

LAYER_ONE: dict[str, object] = {
    "layer_number": 1,
    "selected_model_ids": ["acme/large", "acme/small"],
    "answers": [
        {"model_id": "acme/large", "text": "Canberra.", "self_score": 0.9},
        {"model_id": "acme/small", "text": "Sydney."},
    ],
    "assessments": [
        {"model_id": "acme/large", "posterior_score": 0.85, "self_score": 0.9},
        {"model_id": "acme/small", "posterior_score": 0.55},
    ],
    "usage": [
        {
            "model_id": "acme/large",
            "purpose": "CALL_PURPOSE_ANSWER",
            "status": "CALL_STATUS_OK",
            "layer_number": 1,
            "prompt_token_count": 100,
            "completion_token_count": 20,
            "cost_usd": 0.0009,
            "duration": "1.250s",
        },
        {
            "model_id": "acme/small",
            "purpose": "CALL_PURPOSE_ANSWER",
            "status": "CALL_STATUS_OK",
            "layer_number": 1,
            "prompt_token_count": 100,
            "completion_token_count": 10,
            "cost_usd": 0.0001,
            "duration": "0.420s",
        },
    ],
    "duration": "1.250s",
}
LAYER_TWO: dict[str, object] = {
    "layer_number": 2,
    "selected_model_ids": ["acme/large", "acme/medium"],
    "answers": [
        {
            "model_id": "acme/large",
            "text": "Canberra.",
            "self_score": 0.95,
            "grades": [{"model_id": "acme/small", "score": 0.1}],
        }
    ],
    "assessments": [
        {"model_id": "acme/large", "posterior_score": 0.91, "self_score": 0.95},
        {"model_id": "acme/small", "posterior_score": 0.3, "cross_score": 0.0},
    ],
    "usage": [
        {
            "model_id": "acme/large",
            "purpose": "CALL_PURPOSE_ANSWER",
            "status": "CALL_STATUS_OK",
            "layer_number": 2,
            "prompt_token_count": 200,
            "completion_token_count": 30,
            "cost_usd": 0.0015,
            "duration": "1.500s",
        },
        {
            "model_id": "acme/medium",
            "purpose": "CALL_PURPOSE_ANSWER",
            "status": "CALL_STATUS_RATE_LIMITED",
            "layer_number": 2,
            "duration": "0.030s",
        },
    ],
    "duration": "1.500s",
}
AGGREGATION: dict[str, object] = {
    "model_id": "acme/large",
    "purpose": "CALL_PURPOSE_AGGREGATION",
    "status": "CALL_STATUS_OK",
    "layer_number": 2,
    "prompt_token_count": 250,
    "completion_token_count": 15,
    "cost_usd": 0.0005,
    "duration": "0.800s",
}
RESULT: dict[str, object] = {
    "answer": {"model_id": "acme/large", "text": "Canberra is the capital."},
    "layers": [LAYER_ONE, LAYER_TWO],
    "stop_reason": "STOP_REASON_SCORE",
    "usage": [*LAYER_ONE["usage"], *LAYER_TWO["usage"], AGGREGATION],  # type: ignore[misc]  # JSON
    "cost_usd": 0.003,
    "fallbacks": [
        {
            "dependency": "DEPENDENCY_JUDGE",
            "reason": "FALLBACK_REASON_UNAVAILABLE",
            "substitute": "SUBSTITUTE_PRIOR_SCORES",
        }
    ],
    "timing": {
        "total_duration": "3.600s",
        "scorer_duration": "0.008s",
        "generation_duration": "2.750s",
        "judge_duration": "0.002s",
        "aggregation_duration": "0.800s",
        "time_to_first_delta": "2.900s",
    },
}


def routing(layer_number: int, *selected_model_ids: str) -> router_pb2.RoutingDecision:
    """Returns a decision about three models and nine more that are never picked."""
    ids = ["acme/large", "acme/small", "acme/medium", *(f"other/model-{n}" for n in range(9))]
    ranked = [
        {
            "model_id": model_id,
            "score": 0.8 - place * 0.05,
            "utility": 0.75 - place * 0.05,
            "expected_cost_usd": 0.001,
            "expected_latency": "2s",
        }
        for place, model_id in enumerate(ids)
    ]
    decision = {
        "layer_number": layer_number,
        "ranked_models": ranked,
        "selected_model_ids": list(selected_model_ids),
    }
    return ParseDict(decision, router_pb2.RoutingDecision())


def layer(content: dict[str, object]) -> router_pb2.LayerReport:
    """Returns a layer's report."""
    return ParseDict(content, router_pb2.LayerReport())


def result() -> router_pb2.GenerateAnswerResponse:
    """Returns the whole result."""
    return ParseDict(RESULT, router_pb2.GenerateAnswerResponse())


def events() -> list[router_pb2.StreamAnswerResponse]:
    """Returns the stream: two layers, a writer that fails once, and the result."""
    event = router_pb2.StreamAnswerResponse
    reset = router_pb2.AnswerReset(status=router_pb2.CALL_STATUS_INTERRUPTED)
    return [
        event(routing=routing(1, "acme/large", "acme/small")),
        event(layer=layer(LAYER_ONE)),
        event(routing=routing(2, "acme/large", "acme/medium")),
        event(layer=layer(LAYER_TWO)),
        event(delta=router_pb2.AnswerDelta(text="Canb")),
        event(reset=reset),
        event(delta=router_pb2.AnswerDelta(text="Canberra is ")),
        event(delta=router_pb2.AnswerDelta(text="the capital.")),
        event(result=result()),
    ]
