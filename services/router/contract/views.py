"""Views: the part of rankings and of the result that the caller asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.router.routing.candidates import Ranked, Ranking
    from services.rpc.validation import Violations

TOP_MODELS = 10
"""Models of a ranking that come back by default; the contract documents the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The part of rankings and of the result that comes back."""

    full_ranking: bool = False
    """True for every model with its explanation."""
    full_result: bool = False
    """True for a result that repeats what was streamed before it."""

    def shown(self, ranked: Ranking, selected_ids: Collection[str]) -> Sequence[Ranked]:
        """Returns the models of a ranking that come back; selected ones are always among them."""
        if self.full_ranking or len(ranked) <= TOP_MODELS:
            return ranked
        places = {ranked.model_ids.index(m) for m in selected_ids if m in ranked.model_ids}
        further = sorted(place for place in places if place >= TOP_MODELS)
        return (*ranked[:TOP_MODELS], *(ranked[place] for place in further))


def read_view(
    request: pb.RouteQueryRequest | pb.StreamAnswerRequest, violations: Violations
) -> View:
    """Returns the view that a request asks for; records its violations."""
    if request.ranking_view not in pb.RankingView.values():
        violations.add("ranking_view", f"must be a known view, is {request.ranking_view}")
    return View(
        full_ranking=request.ranking_view == pb.RANKING_VIEW_FULL,
        full_result=isinstance(request, pb.StreamAnswerRequest) and request.full_result,
    )
