"""Messages of the services as tables: message -> rich renderable. Pure.

All text of servers and models goes through `printable`, and never through rich's markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from routemoa.cli.terminal import enum_label, printable, seconds, span, usd
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import JustifyMethod

    from routemoa.v1 import scorer_service_pb2

BAR_COLUMNS = 24
_MODEL_COLUMNS = {"model", "ranking", "answers"}
_TEXT_COLUMNS = {"why"}
_ABSENT = Text("-", style="dim")
_MAX_FAILURES = 5
_INCOMPLETE: Mapping[int, str] = {
    model_pb2.FINISH_REASON_LENGTH: "the answer is not complete: the token limit cut it off",
    model_pb2.FINISH_REASON_DEADLINE: "the answer is not complete: the time was over",
    model_pb2.FINISH_REASON_CONTENT_FILTER: "the answer is not complete: a filter cut it off",
    model_pb2.FINISH_REASON_TOOL_CALLS: "the answer is not complete: the model asks for tools",
    model_pb2.FINISH_REASON_REFUSAL: "the model refused to answer",
}
_STOP_REASONS: Mapping[int, str] = {
    router_pb2.STOP_REASON_SCORE: "an answer reached the stopping score",
    router_pb2.STOP_REASON_LAYER_LIMIT: "all layers allowed have run",
    router_pb2.STOP_REASON_COST_LIMIT: "another layer could cost more than is left",
    router_pb2.STOP_REASON_CALL_LIMIT: "all calls allowed have been made",
    router_pb2.STOP_REASON_DEADLINE: "too little time was left for another layer",
    router_pb2.STOP_REASON_AGREEMENT: "the models agree",
    router_pb2.STOP_REASON_NO_MODEL: "no model was left that could run",
    router_pb2.STOP_REASON_TOKEN_LIMIT: "another layer could take more tokens than are left",
    router_pb2.STOP_REASON_NO_GAIN: "another call was not worth it",
    router_pb2.STOP_REASON_COMPLETE: "the strategy has done all that it does",
    router_pb2.STOP_REASON_MODERATOR: "the moderator ended the debate",
}


def scores_table(response: scorer_service_pb2.RankModelsResponse) -> Table:
    """Returns the scorer's ranking, best model first."""
    table = _table(("model", "left"), ("score", "right"), ("", "left"), ("exp. tokens", "right"))
    for model_score in response.model_scores:
        filled = round(max(0.0, min(1.0, model_score.score)) * BAR_COLUMNS)
        bar = Text("━" * filled, style="cyan")
        known = model_score.HasField("expected_completion_token_count")
        tokens = f"{model_score.expected_completion_token_count:,}" if known else _ABSENT
        table.add_row(_name(model_score.model_id), f"{model_score.score:.3f}", bar, tokens)
    return table


def pool_table(models: Sequence[model_pb2.Model]) -> Table:
    """Returns the pool, with each model's prices, latency and context window."""
    table = _table(
        ("model", "left"),
        ("prompt $/M", "right"),
        ("reply $/M", "right"),
        ("median latency", "right"),
        ("context", "right"),
    )
    for model in models:
        table.add_row(
            _name(model.model_id),
            f"{model.prompt_price_usd_per_million_tokens:.2f}",
            f"{model.completion_price_usd_per_million_tokens:.2f}",
            span(seconds(model.median_latency)),
            f"{model.context_window_token_count:,}",
        )
    return table


def ranking_table(decision: router_pb2.RoutingDecision, *, max_rows: int) -> Table:
    """Returns a layer's ranking: the selected models, and the best others up to `max_rows`."""
    table = _table(
        ("", "left"),
        ("ranking", "left"),
        ("score", "right"),
        ("utility", "right"),
        ("exp. cost", "right"),
        ("exp. time", "right"),
    )
    selected = set(decision.selected_model_ids)
    hidden_count = 0
    for rank, ranked in enumerate(decision.ranked_models):
        runs = ranked.model_id in selected
        if rank >= max_rows and not runs:
            hidden_count += 1
            continue
        table.add_row(
            Text("✓", style="bold green") if runs else "",
            _name(ranked.model_id),
            f"{ranked.score:.3f}",
            f"{ranked.utility:.3f}",
            usd(ranked.expected_cost_usd),
            span(seconds(ranked.expected_latency)),
            style=None if runs else "dim",
        )
    if hidden_count:
        table.add_row("", Text(f"… {hidden_count} more", style="dim"))
    return table


def explanation_table(ranked_models: Sequence[router_pb2.RankedModel]) -> Table:
    """Returns the explanation of each model's rank, and whether it runs."""
    table = _table(("", "left"), ("model", "left"), ("why", "left"))
    for rank, ranked in enumerate(ranked_models, start=1):
        table.add_row(str(rank), _name(ranked.model_id), Text(printable(ranked.explanation)))
    return table


def uncertainty_words(
    ranking: router_pb2.RoutingDecision
    | router_pb2.RouteQueryResponse
    | scorer_service_pb2.RankModelsResponse,
) -> list[str]:
    """Returns a note on how uncertain a ranking is; none if that is unknown."""
    known = ranking.HasField("uncertainty")
    return [f"uncertainty {ranking.uncertainty:.2f}"] if known else []


def layer_table(layer: router_pb2.LayerReport, prior_scores: Mapping[str, float]) -> Table:
    """Returns the scores of every model that ran so far, with cost and time of its call here."""
    table = _table(
        ("", "left"),
        ("answers", "left"),
        ("prior", "right"),
        ("self", "right"),
        ("cross", "right"),
        ("posterior", "right"),
        ("cost", "right"),
        ("time", "right"),
    )
    calls = {entry.model_id: entry for entry in layer.usage}
    for assessment in layer.assessments:
        call = calls.pop(assessment.model_id, None)
        table.add_row(
            *_call_cells(assessment.model_id, call),
            _score(prior_scores.get(assessment.model_id)),
            _score(assessment.self_score if assessment.HasField("self_score") else None),
            _score(assessment.cross_score if assessment.HasField("cross_score") else None),
            Text(f"{assessment.posterior_score:.3f}", style="bold"),
            *_spent_cells(call),
        )
    for model_id, call in calls.items():  # failed calls have no assessment
        prior = _score(prior_scores.get(model_id))
        status = Text(enum_label(router_pb2.CallStatus.DESCRIPTOR, call.status), style="red")
        table.add_row(*_call_cells(model_id, call), prior, "", "", status, *_spent_cells(call))
    return table


def result_table(result: router_pb2.GenerateAnswerResponse) -> Table:
    """Returns the answering model, the stop reason, the cost and the time by part."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    how = ", from the answers of the last layer" if _aggregated(result) else ""
    table.add_row("answered by", Text(printable(result.answer.model_id) + how))
    table.add_row("strategy", _name(result.strategy))
    table.add_row("stopped", _STOP_REASONS.get(result.stop_reason, "for a reason unknown here"))
    table.add_row("cost", f"{usd(result.cost_usd)} for {_calls_and_tokens(result.usage)}")
    timing = result.timing
    first = f", first text after {span(seconds(timing.time_to_first_delta))}"
    table.add_row("time", span(seconds(timing.total_duration)) + first)
    table.add_row("of which", _times(result))
    if note := incomplete_note(result.answer):
        table.add_row(Text("answer", style="yellow"), Text(note, style="yellow"))
    for entry in [entry for entry in result.usage if entry.backend_message][:_MAX_FAILURES]:
        table.add_row("backend", _backend_words(entry))
    for fallback in result.fallbacks:
        table.add_row(Text("fallback", style="yellow"), fallback_text(fallback))
    return table


def incomplete_note(answer: model_pb2.Answer) -> str:
    """Returns a note on an answer that is cut off or refused; empty for any other."""
    return _INCOMPLETE.get(answer.finish_reason, "")


def fallback_text(fallback: router_pb2.Fallback) -> Text:
    """Returns the failed dependency, its status and the substitute."""
    if fallback.substitute == router_pb2.SUBSTITUTE_SAFE_MODELS:
        return Text("the ranking was too uncertain; the pool's safe models ran", style="yellow")
    if fallback.substitute == router_pb2.SUBSTITUTE_MEAN_PRIOR:
        return Text(
            "the scorer does not know every model; others have a mean score", style="yellow"
        )
    what = enum_label(router_pb2.Dependency.DESCRIPTOR, fallback.dependency)
    how = enum_label(router_pb2.FallbackReason.DESCRIPTOR, fallback.reason)
    instead = enum_label(router_pb2.Substitute.DESCRIPTOR, fallback.substitute)
    return Text(f"{what} failed ({how}); used {instead} instead", style="yellow")


def _table(*columns: tuple[str, JustifyMethod]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, justify in columns:
        if name in _MODEL_COLUMNS:
            # The only column that shrinks; a long id is folded, so that it can be copied.
            table.add_column(name, justify=justify, overflow="fold", min_width=24, max_width=42)
        elif name in _TEXT_COLUMNS:
            table.add_column(name, justify=justify, overflow="fold")
        else:
            table.add_column(name, justify=justify, no_wrap=True)
    return table


def _name(model_id: str) -> Text:
    return Text(printable(model_id))


def _score(score: float | None) -> Text:
    return _ABSENT if score is None else Text(f"{score:.3f}")


def _call_cells(model_id: str, call: router_pb2.UsageEntry | None) -> tuple[Text, Text]:
    """Returns a mark for how the call ended, and the model; no mark if it was not called."""
    if call is None:
        return Text(""), Text(printable(model_id), style="dim")
    ok = call.status == router_pb2.CALL_STATUS_OK
    return Text("✓", style="green") if ok else Text("✗", style="red"), _name(model_id)


def _spent_cells(call: router_pb2.UsageEntry | None) -> tuple[str, str]:
    return ("", "") if call is None else (usd(call.cost_usd), span(seconds(call.duration)))


def _backend_words(entry: router_pb2.UsageEntry) -> Text:
    """Returns what the backend of a failed call said."""
    return Text(f"{printable(entry.model_id)}: {printable(entry.backend_message)}")


def _aggregated(result: router_pb2.GenerateAnswerResponse) -> bool:
    return any(
        entry.purpose == router_pb2.CALL_PURPOSE_AGGREGATION
        and entry.status == router_pb2.CALL_STATUS_OK
        for entry in result.usage
    )


def _calls_and_tokens(usage: Sequence[router_pb2.UsageEntry]) -> str:
    prompt = sum(entry.prompt_token_count for entry in usage)
    completion = sum(entry.completion_token_count for entry in usage)
    about = "about " if any(entry.estimated for entry in usage) else ""
    calls = f"{len(usage)} call" + ("" if len(usage) == 1 else "s")
    failed = sum(entry.status != router_pb2.CALL_STATUS_OK for entry in usage)
    failures = f" ({failed} failed)" if failed else ""
    return f"{calls}{failures}, {about}{prompt:,} tokens read and {completion:,} written"


def _times(result: router_pb2.GenerateAnswerResponse) -> str:
    """Returns the time by part; the rest is the router's own."""
    timing = result.timing
    parts_s = {
        "models": seconds(timing.generation_duration),
        "aggregator": seconds(timing.aggregation_duration),
        "scorer": seconds(timing.scorer_duration),
        "judge": seconds(timing.judge_duration),
    }
    parts_s["router"] = max(0.0, seconds(timing.total_duration) - sum(parts_s.values()))
    if not _aggregated(result):
        del parts_s["aggregator"]
    return ", ".join(f"{name} {span(part_s)}" for name, part_s in parts_s.items())
