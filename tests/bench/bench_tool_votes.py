"""Measures mixtures with tools and schemas: `python -m tests.bench.bench_tool_votes > PAGE`.

Everything runs in one process, on a clock that jumps to the next timer: strategies, engine and
validation are the router's own; models are scripts. So waits are exact and processor time is not in
them.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from routemoa.errors import NoValidAnswerError
from services.router.routing.tool_votes import CLOSE_CHANCE
from services.router.strategies.registry import STRATEGIES
from services.router.types.json_schema import compile_schema
from tests.bench.heavy_tail import (
    FIRST_TOKEN_MEDIAN_S,
    FIRST_TOKEN_SPREAD,
    STRAGGLER_FACTOR,
    STRAGGLER_SHARE,
)
from tests.bench.vote_rules import ACCURACIES, RULES, bands, right_shares
from tests.unit.router.mixture import PERSON, TOOLS, ask, ulm
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.call import ModelCall
    from tests.unit.router.mixture import Said, Speaker, Told

HEAD = """\
# Tools and schemas in mixtures

Do broken replies leave, does the vote find the right call, and does it cost time?

Command: `python -m tests.bench.bench_tool_votes --count {count}`, seed {seed}. Strategies, engine and
validation are the router's own, in one process; models are scripts, and the clock jumps to the next
timer. So waits are exact, and processor time is not in them.
"""
BROKEN = ('{"name": "Ann", "ag', '{"name": "Ann"}', '{"name": "Ann", "age": "three"}', "Ann is 3.")
SIMULATED_VOTES = 2_000
VOTING = ("routemoa", "layers", "moa", "cascade")


def broken_json(strategy: str, models: str, count: int, share: float) -> Counter[str]:
    """Returns the ends of mixtures in which a share of all replies is broken."""
    assert PERSON.json_format is not None
    schema = compile_schema(PERSON.json_format.schema_json)
    ends: Counter[str] = Counter()
    for number in range(count):
        draw = random.Random(f"{strategy} {models} {number}")  # a simulation

        def speaks(_call: ModelCall, draw: random.Random = draw) -> Sequence[Said]:
            if draw.random() < share:
                return (draw.choice(BROKEN),)
            return (json.dumps({"name": draw.choice(["Ann", "Bob"]), "age": draw.randrange(3)}),)

        try:
            told = virtually(ask)(strategy, PERSON, dict.fromkeys(models, speaks))
        except NoValidAnswerError:
            ends["error"] += 1
            continue
        valid = not schema.problems(json.loads(told.streamed[0]))
        ends["valid" if valid else "invalid"] += 1
        ends["calls"] += len(told.made)
    return ends


@dataclass
class Voted:
    """Counts of right calls and of merged ones."""

    right: int = 0
    alone: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Right calls of each model."""
    merged: int = 0
    """Answers with calls that no model made."""


def tool_votes(strategy: str, accuracies: Sequence[float], count: int) -> Voted:
    """Asks three proposers that make the right call with these probabilities."""
    voted = Voted()
    for number in range(count):
        draw = random.Random(f"{strategy} {accuracies} {number}")  # a simulation
        right, *wrong = draw.sample(range(1, 6), 5)
        days = [right if draw.random() < a else draw.choice(wrong) for a in accuracies]

        def speaker(
            own: int, draw: random.Random = draw, days: list[int] = days, right: int = right
        ) -> Speaker:
            def speaks(call: ModelCall) -> Sequence[Said]:
                # Who chooses among proposals is right as often as it is on its own.
                again = call.purpose.name == "AGGREGATION"
                is_right = again and draw.random() < accuracies[own] and right in days
                return ulm(right if is_right else draw.choice(days) if again else days[own])

            return speaks

        told = virtually(ask)(
            strategy,
            TOOLS,
            {name: speaker(own) for own, name in enumerate("abc")},
            scores=dict(zip("abc", accuracies, strict=True)),
            stopping_score=1.0,
            max_score_gap=1.0,
        )
        ((_, arguments),) = told.called
        chosen = json.loads(arguments).get("days")
        voted.right += chosen == right
        voted.merged += chosen not in days
        for own, day in enumerate(days):
            voted.alone[own] += day == right
    return voted


def first_calls(strategy: str, count: int) -> dict[str, list[float]]:
    """Returns seconds by which the first call comes after the slowest of the quorum, by the vote."""
    delays: dict[str, list[float]] = {"agreed": [], "differed": [], "close": []}
    for number in range(count):
        draw = random.Random(f"late {number}")  # a simulation
        scores = dict(zip("abc", (0.85, 0.8, 0.75), strict=True))
        times = {name: _first_token_s(draw) for name in scores}
        days = {n: 1 if draw.random() < s else draw.randrange(2, 6) for n, s in scores.items()}

        def speaker(
            name: str,
            times: dict[str, float] = times,
            days: dict[str, int] = days,
            draw: random.Random = draw,
        ) -> Speaker:
            def speaks(call: ModelCall) -> Sequence[Said]:
                again = call.purpose.name == "AGGREGATION"
                return (_first_token_s(draw) if again else times[name], *ulm(days[name]))

            return speaks

        told = virtually(ask)(
            strategy, TOOLS, {name: speaker(name) for name in scores}, scores=scores
        )
        quorum_s = sorted(times.values())[1]
        delays[_kind(told, days)].append(told.first_delta_s - quorum_s)
    return delays


def _kind(told: Told, days: dict[str, int]) -> str:
    if any(call.purpose.name == "AGGREGATION" for call in told.made):
        return "close"
    return "agreed" if max(Counter(days.values()).values()) == len(days) else "differed"


def _first_token_s(draw: random.Random) -> float:
    seconds = FIRST_TOKEN_MEDIAN_S * draw.lognormvariate(0, FIRST_TOKEN_SPREAD)
    return seconds * (STRAGGLER_FACTOR if draw.random() < STRAGGLER_SHARE else 1)


def page(count: int, seed: int) -> str:
    """Returns the page of the benchmark."""
    parts = [HEAD.format(count=count, seed=seed).rstrip(), _json_part(count), _votes_part(count)]
    parts += [_late_part(count), _rules_part(seed), _close_part(seed)]
    return "\n".join(parts)


def _json_part(count: int) -> str:
    rows = []
    for models, strategies in (("abc", list(STRATEGIES)), ("a", ["single", "layers"])):
        for strategy in strategies:
            ends = broken_json(strategy, models, count, 0.1)
            calls = ends["calls"] / max(1, ends["valid"])
            rows.append(
                f"| `{strategy}` | {len(models)} | {ends['invalid']} | "
                f"{100 * ends['valid'] / count:.1f} % | {calls:.2f} |"
            )
    return "\n".join(
        [
            "\n## Models that break JSON in 10 % of replies\n",
            f"{count:,} answers each. Without the repair, one model alone would answer 90 %.\n",
            "| strategy | models | invalid answers that left | answered | calls per answer |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
        ]
    )


def _votes_part(count: int) -> str:
    rows = []
    for accuracies in ((0.9, 0.85, 0.7), (0.8, 0.75, 0.7), (0.7, 0.7, 0.7)):
        for strategy in VOTING:
            voted = tool_votes(strategy, accuracies, count)
            rows.append(
                f"| {', '.join(map(str, accuracies))} | `{strategy}` | "
                f"{100 * max(voted.alone) / count:.1f} % | {100 * voted.right / count:.1f} % | "
                f"{voted.merged} |"
            )
    return "\n".join(
        [
            "\n## Three proposers, one of which calls wrongly in 30 % of cases\n",
            f"{count:,} answers each; a wrong call is one of four. The scores are the probabilities.\n",
            "| right call alone | strategy | best single model | strategy's answer | merged calls |",
            "| --- | --- | ---: | ---: | ---: |",
            *rows,
        ]
    )


def _late_part(count: int) -> str:
    rows = []
    for strategy in ("routemoa", "layers"):
        delays = first_calls(strategy, count)
        for kind, seconds in {
            **delays,
            "all": [s for each in delays.values() for s in each],
        }.items():
            if len(seconds) < 2:
                continue
            cuts = statistics.quantiles(seconds, n=100)
            shown = " | ".join(f"{round(1000 * cuts[p - 1]):+d} ms" for p in (50, 95, 99))
            within = sum(s <= 0.05 for s in seconds) / len(seconds)
            rows.append(
                f"| `{strategy}` | {kind} | {len(seconds)} | {shown} | {100 * within:.0f} % |"
            )
    return "\n".join(
        [
            "\n## Time of the first call after the slowest of the quorum\n",
            "Three models, times as in [mixtures](mixture.md): log-normal around 200 ms, one call in",
            "33 ten times slower. The quorum is the two fastest of the three.\n",
            "| strategy | vote | answers | p50 | p95 | p99 | within 50 ms |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
            *rows,
        ]
    )


def _rules_part(seed: int) -> str:
    draw = random.Random(seed)  # a simulation
    rows = []
    for accuracies in ACCURACIES:
        for attraction in (0.2, 0.8):
            for known in (True, False):
                scores = accuracies if known else (0.5, 0.5, 0.5)
                shares = right_shares(accuracies, scores, attraction, draw, SIMULATED_VOTES)
                shown = " | ".join(f"{100 * shares[name]:.1f}" for name in RULES)
                models = ", ".join(map(str, accuracies))
                scored = "right" if known else "0.5 each"
                rows.append(f"| {models} | {100 * attraction:.0f} % | {scored} | {shown} |")
    return "\n".join(
        [
            "\n## Rules of counting\n",
            f"Right calls in %, of {SIMULATED_VOTES:,} simulated votes. *Same mistake* is the share of",
            "wrong calls that are the same one. *As texts* is the rule for final answers of texts.\n",
            f"| right call alone | same mistake | scores | {' | '.join(RULES)} |",
            f"| --- | ---: | --- |{' ---: |' * len(RULES)}",
            *rows,
        ]
    )


def _close_part(seed: int) -> str:
    draw = random.Random(seed)  # a simulation
    rows = []
    for low, band in bands(ACCURACIES[:4], 0.5, draw, SIMULATED_VOTES).items():
        needed = band.leader_is_right / max(1, band.right_is_there)
        rows.append(
            f"| {low:.1f} to {low + 0.1:.1f} | {band.votes:,} | "
            f"{100 * band.leader_is_right / band.votes:.0f} % | "
            f"{100 * band.right_is_there / band.votes:.0f} % | {100 * needed:.0f} % |"
        )
    return "\n".join(
        [
            "\n## Close votes\n",
            "Votes that are not unanimous, by the leader's chance. If the right call is among the",
            "proposals, the aggregator must find it at least as often as the last column says, or the",
            f"vote is better. Below {CLOSE_CHANCE} the aggregator chooses.\n",
            "| leader's chance | votes | leader is right | right call is there | to be found |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.stdout.write(page(options.count, options.seed))


if __name__ == "__main__":
    main()
