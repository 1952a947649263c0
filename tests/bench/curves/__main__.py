"""Replays recorded pools in every way, and writes the page with its pictures.

    python -m tests.bench.curves --data $ROUTEMOA_DATA --routerbench ARTIFACT --results build/curves \
      --markdown docs/benchmarks/curves.md

ARTIFACT is a scorer that was trained on the training file of routerbench11 alone. What was replayed
is kept in the folder of results, and is not replayed again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.evaluation.answers.eval_command import draw_queries
from services.evaluation.answers.methods import best_model
from services.evaluation.answers.prices import load_prices
from services.evaluation.answers.recorded_pool import load_recorded_pool
from tests.bench.curves.in_process import local_router
from tests.bench.curves.pictures import draw
from tests.bench.curves.points import points, summaries
from tests.bench.curves.ways import (
    DEFAULT,
    ORACLE,
    SINGLES,
    VOTE,
    Replayed,
    policies,
    replay,
    without_router,
)
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.evaluation.answers.recorded_pool import RecordedPool
    from tests.bench.curves.points import Point, Summary

PRICES = Path("tests/bench/prices_2024.yaml")
ANSWER_SCORER = Path("scorer/artifacts/answers")
POOLS = ("zeroeval29", "mmlupro28", "routerbench11")
READ = (("routemoa", DEFAULT), ("routemoa", "$0.1"), ("routemoa", "$0.02"))
"""What is also replayed with a judge that reads."""
SEED = 0
READING = "routemoa, texts read"
WORDS = {
    SINGLES: "best single model",
    ORACLE: ORACLE,
    VOTE: VOTE,
    READING: "`routemoa`, texts read",
}
"""What a way is called in tables, if it is no strategy."""
HEAD = page_head(
    "Curves: right answers against dollars and seconds",
    "What does each way of answering give at each price, beside the best single model?",
    """Command: `python -m tests.bench.curves --queries 400`. Queries are drawn of each pool's shared
    test file, and answered by scorer, judge, strategies and engine as they are, in one process and
    without sockets, from recorded answers; [replay](replay.md) says what is simulated. The best single
    model is chosen on the training file, and so are the weights of votes. *Texts read* is `routemoa`
    with the judge's answer scorer. Brackets are 95 % intervals, by bootstrap over the queries; gains
    are paired.""",
    """The shipped scorer ranks, but on routerbench11 one that was trained on its training file alone
    (`--routerbench`). Dollars are recorded there, and elsewhere list prices
    (`tests/bench/prices_2024.yaml`). Seconds are simulated: half a second to the first token, then 50
    tokens per second; calls of a layer run together. `moa` and `smoa` run one layer. The oracle takes
    the cheapest right answer.""",
)
MEASURES = """\
PerfGain, CostSave and ParetoDist are those of LLMRouterBench (arXiv 2601.07206): the largest gain
over the best single model, relative; the largest saving of its dollars where no less is right; and
the mean distance to the Pareto frontier, with both axes scaled to the range of the single models.
The settings of the first two are those that are best here, so they flatter.

| way | PerfGain, % | CostSave, % | ParetoDist |
|---|---:|---:|---:|
"""
TABLE = """\
| way | setting | right, % | over the best single, points | dollars of its, % | seconds | calls |
|---|---|---|---|---:|---:|---:|
"""


def read_pool(folder: Path) -> RecordedPool:
    """Returns a pool with dollars."""
    pool = load_recorded_pool(folder)
    return pool if pool.has_costs else pool.priced(load_prices(PRICES, pool.models))


async def measure(pool: RecordedPool, artifact: Path | None, kept: Path) -> list[Replayed]:
    """Returns all replays of a pool; those in the folder are not made again."""
    found = list(without_router(pool))
    for reader in (None, ANSWER_SCORER):
        async with local_router(pool, artifact, reader) as router:
            for strategy, setting, policy in policies():
                if reader is not None and (strategy, setting) not in READ:
                    continue
                way = strategy if reader is None else READING
                name = f"{pool.name}-{len(pool.test)}-{way}-{setting}.json"
                file = kept / name.replace(" ", "-").replace("$", "")
                if not file.exists():
                    made = await replay(router, pool, way, setting, policy)
                    file.write_text(json.dumps(asdict(made)), encoding="utf-8")
                found.append(Replayed(**json.loads(file.read_text(encoding="utf-8"))))
    return found


def section(pool: RecordedPool, replays: Sequence[Replayed], picture: Path | None) -> str:
    """Returns the part of the page for a pool, and draws its picture."""
    best_id = best_model(pool.models, pool.train)
    best = next(each for each in replays if each.way == SINGLES and each.setting == best_id)
    found = points(replays, best)
    best_right = next(p for p in found if p.way == SINGLES and p.setting == best_id).right.mean
    text = f"\n## {pool.name}: {len(pool.models)} models, {len(pool.test)} queries\n\n"
    if picture is not None:
        draw(pool.name, found, best_right, picture)
        text += f"![Right answers against dollars and seconds]({picture.name})\n\n"
    shown = [
        p for p in found if p.setting == best_id or (p.way != SINGLES and p.setting == DEFAULT)
    ]
    shown += [p for p in found if p.way == ORACLE]
    others = [p for p in found if p.way != SINGLES and p not in shown]
    text += "At default settings:\n\n" + TABLE + "".join(map(_row, shown))
    text += "\nAt other settings:\n\n" + TABLE + "".join(map(_row, others))
    return text + "\n" + MEASURES + "".join(map(_summary_row, summaries(found, best_right)))


def _row(point: Point) -> str:
    way = WORDS.get(point.way, f"`{point.way}`")
    right, gain = point.right, point.gain
    return (
        f"| {way} | {point.setting} | {100 * right.mean:.1f} "
        f"[{100 * right.low:.1f}, {100 * right.high:.1f}] | {100 * gain.mean:+.1f} "
        f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}] | {100 * point.usd_share:.0f} "
        f"| {point.seconds:.1f} | {point.calls:.2f} |\n"
    )


def _summary_row(summary: Summary) -> str:
    saving = "–" if summary.cost_saving is None else f"{100 * summary.cost_saving:+.1f}"
    way = WORDS.get(summary.way, f"`{summary.way}`")
    return (
        f"| {way} | {100 * summary.performance_gain:+.2f} | {saving} "
        f"| {summary.pareto_distance:.3f} |\n"
    )


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pool", action="append", choices=POOLS, help="default: all")
    parser.add_argument(
        "--queries", type=int, default=5_000, help="drawn of each pool; default: all"
    )
    parser.add_argument("--routerbench", type=Path, help="artifact for routerbench11")
    parser.add_argument("--results", type=Path, default=Path("build/curves"))
    parser.add_argument("--markdown", type=Path, help="page to write, with pictures beside it")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    options.results.mkdir(parents=True, exist_ok=True)
    text = HEAD.rstrip() + "\n"
    for name in options.pool or POOLS:
        pool = read_pool(options.data / name)
        pool = replace(pool, test=tuple(draw_queries(pool, options.queries, SEED)))
        artifact = options.routerbench if name == "routerbench11" else None
        replays = asyncio.run(measure(pool, artifact, options.results))
        picture = None
        if options.markdown:
            picture = options.markdown.with_name(f"{options.markdown.stem}-{name}.png")
        text += section(pool, replays, picture)
    sys.stdout.write(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
