"""Shows an answer while it is generated: events of the stream -> a console, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from routemoa.cli.render import (
    explanation_table,
    layer_table,
    ranking_table,
    result_table,
    uncertainty_words,
)
from routemoa.cli.terminal import enum_label, printable
from routemoa.v1 import router_service_pb2 as router_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from rich.console import Console
    from rich.status import Status


class AnswerView:
    """Writes one answer's events to a console, in the order in which they come."""

    def __init__(
        self, console: Console, *, max_ranking_rows: int = 6, explain: bool = False
    ) -> None:
        self._console = console
        self._explain = explain
        self._max_ranking_rows = max_ranking_rows
        self._prior_scores: dict[str, float] = {}
        self._waiting: Status | None = None
        self._writing = False

    async def show(
        self, events: AsyncIterable[router_pb2.StreamAnswerResponse]
    ) -> router_pb2.GenerateAnswerResponse:
        """Shows every event and returns the result, or an empty one if the stream has none."""
        result = router_pb2.GenerateAnswerResponse()
        try:
            async for event in events:
                self._show(event)
                if event.HasField("result"):
                    result = event.result
        finally:
            self._stop_waiting()
            self._end_text()
        return result

    def _show(self, event: router_pb2.StreamAnswerResponse) -> None:
        self._stop_waiting()
        match event.WhichOneof("event"):
            case "routing":
                self._show_routing(event.routing)
            case "layer":
                self._show_layer(event.layer)
            case "delta":
                self._show_text(event.delta.text)
            case "reset":
                self._show_reset(event.reset)
            case "result":
                self._end_text()
                self._console.print(result_table(event.result))

    def _show_routing(self, decision: router_pb2.RoutingDecision) -> None:
        for ranked in decision.ranked_models:
            self._prior_scores.setdefault(ranked.model_id, ranked.score)
        selected, count = len(decision.selected_model_ids), len(decision.ranked_models)
        detail = ", ".join([f"runs {selected} of {count} models", *uncertainty_words(decision)])
        self._heading(f"Layer {decision.layer_number}", detail)
        self._console.print(ranking_table(decision, max_rows=self._max_ranking_rows))
        if self._explain:
            self._console.print()
            self._console.print(explanation_table(decision.ranked_models))
        self._wait(f"waiting for {selected} of {count} models")

    def _show_layer(self, layer: router_pb2.LayerReport) -> None:
        self._console.print()
        self._console.print(layer_table(layer, self._prior_scores))
        self._wait("deciding what to do next")

    def _show_text(self, text: str) -> None:
        if not self._writing:
            self._heading("Answer", "")
            self._writing = True
        # rich would wrap each delta as if it began a line; the terminal wraps correctly
        self._console.print(Text(printable(text)), end="", soft_wrap=True)

    def _show_reset(self, reset: router_pb2.AnswerReset) -> None:
        self._end_text()
        status = enum_label(router_pb2.CallStatus.DESCRIPTOR, reset.status)
        note = f"The writer failed ({status}): the text below replaces the text above."
        self._console.print(Text(note, style="yellow"))

    def _end_text(self) -> None:
        if self._writing:
            self._console.print("\n")
            self._writing = False

    def _heading(self, title: str, detail: str) -> None:
        self._console.print()
        self._console.print(Text.assemble((title, "bold"), "  ", (detail, "dim")))

    def _wait(self, what: str) -> None:
        if self._console.is_terminal:
            self._waiting = self._console.status(Text(what, style="dim"))
            self._waiting.start()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
