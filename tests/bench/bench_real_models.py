"""Compares strategies with the better of two small real models alone, on questions with known answers.

    make models
    python -m tests.bench.bench_real_models --markdown docs/benchmarks/real-models.md

All services run, and each model has its own server of llama.cpp. Answers are kept in a file, so a run
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import yaml

from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError
from routemoa.v1.generation_pb2 import GenerationOptions
from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.evaluation.report.estimates import estimate_difference, estimate_mean
from services.local.real_pool import REAL_MODELS, pool_document, serving
from services.local.stack import StackConfig, running_stack
from tests.bench.easy_questions import easy_questions
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scorer.measures.intervals import Interval
    from tests.bench.easy_questions import EasyQuestion

SEED = 1
MAX_OUTPUT_TOKENS = 32
TIMEOUT_S = 600.0
CALLERS = 2
ALONE = {model.id: model.id for model in REAL_MODELS}
WAYS: Mapping[str, RoutingPolicy] = {
    **{m: RoutingPolicy(strategy="single", model_ids=[m]) for m in ALONE},
    "routemoa": RoutingPolicy(),
    "layers": RoutingPolicy(strategy="layers"),
}
HEADING = "## Against the better model alone"
_LEAK = re.compile(
    r"self_score|@\w+ ?[0-9a-f]{5,8}|never sees that line|answer the user|other assistants"
    r"|given as a reference|\bR[12]\b",
    re.IGNORECASE,
)
"""A mark, a label or a clause of an instruction of the router."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question, answered in one way."""

    way: str
    question: str
    kind: str
    is_right: bool
    leaks: bool
    author: str
    calls: int
    text: str
    error: str = ""


async def ask(client: RouteMoAClient, way: str, question: EasyQuestion) -> Answered:
    """Returns the answer of one way to one question; a failure counts as wrong."""
    options = GenerationOptions(temperature=0.0, max_output_token_count=MAX_OUTPUT_TOKENS)
    text, author, calls, problem = "", "", 0, ""
    try:
        result = await client.answer(question.prompt, WAYS[way], options, timeout_s=TIMEOUT_S)
        text, author, calls = result.answer.text, result.answer.model_id, len(result.usage)
    except RouteMoAError as error:
        problem = error.reason
    return Answered(
        way=way,
        question=question.prompt,
        kind=question.kind,
        is_right=question.is_right(text),
        leaks=_LEAK.search(text) is not None,
        author=author,
        calls=calls,
        text=text,
        error=problem,
    )


async def measure(environment: Path, questions: Sequence[EasyQuestion], kept: Path) -> None:
    """Asks what is not in the file of answers yet, and adds it there."""
    done = {(each.way, each.question) for each in read_answers(kept)}
    pending = [(w, q) for q in questions for w in WAYS if (w, q.prompt) not in done]
    jobs = iter(sorted(pending, key=lambda job: job[0] == "layers"))  # the slowest way comes last

    async def work(client: RouteMoAClient) -> None:
        for way, question in jobs:
            line = json.dumps(asdict(await ask(client, way, question)))
            with kept.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    async with serving(environment, threads=1) as servers:
        with tempfile.TemporaryDirectory(prefix="routemoa-bench-") as folder:
            pool_file = Path(folder) / "pool.yaml"
            pool_file.write_text(yaml.safe_dump(pool_document(servers)), encoding="utf-8")
            async with (
                running_stack(StackConfig(pool_file=pool_file)) as stack,
                RouteMoAClient(stack.router_address) as client,
                asyncio.TaskGroup() as tasks,
            ):
                for _ in range(CALLERS):
                    tasks.create_task(work(client))


def read_answers(kept: Path) -> list[Answered]:
    """Returns the answers in a file; none if there is no file."""
    if not kept.exists():
        return []
    lines = kept.read_text(encoding="utf-8").splitlines()
    return [Answered(**json.loads(line)) for line in lines]


def section(answers: Iterable[Answered], questions: Sequence[EasyQuestion]) -> str:
    """Returns the section of the page; each way is compared on the questions that it was asked."""
    by_way: dict[str, dict[str, Answered]] = {way: {} for way in WAYS}
    for each in answers:
        by_way[each.way][each.question] = each
    known = [q for q in questions if all(q.prompt in by_way[way] for way in ALONE)]
    if not known:
        raise SystemExit("no question was asked of both models alone")
    best = max(ALONE, key=lambda way: fmean(by_way[way][q.prompt].is_right for q in known))
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(q.kind for q in known).most_common())
    head = page_head(
        HEADING.removeprefix("## "),
        f"""Command: `python -m tests.bench.bench_real_models`. Questions with known answers
        ({kinds}), made from a seed (`tests/bench/easy_questions.py`); temperature 0, at most
        {MAX_OUTPUT_TOKENS} tokens, the pool of `routemoa up --real`. *Less the better model* is the
        paired difference in points to {best} alone. Brackets are 95 % intervals, by bootstrap over the
        questions.""",
    ).replace("# ", "## ", 1)
    rows = [
        "| answered by | questions | right, % | less the better model | calls | leaks | failed |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for way, found in by_way.items():
        asked = [q.prompt for q in known if q.prompt in found]
        if asked:
            rows.append(_row(way, [found[q] for q in asked], [by_way[best][q] for q in asked]))
    return head + "\n".join(rows) + "\n"


def _row(way: str, answers: Sequence[Answered], best: Sequence[Answered]) -> str:
    right = [float(each.is_right) for each in answers]
    gain = estimate_difference(right, [float(each.is_right) for each in best], seed=SEED)
    return (
        f"| {way if way in ALONE else f'`{way}`'} | {len(answers)} "
        f"| {_percent(estimate_mean(right, seed=SEED))} "
        f"| {'' if way == best[0].way else _points(gain)} "
        f"| {fmean(a.calls for a in answers):.2f} | {sum(a.leaks for a in answers)} "
        f"| {sum(bool(a.error) for a in answers)} |"
    )


def _percent(share: Interval) -> str:
    return f"{100 * share.mean:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _points(gain: Interval) -> str:
    return f"{100 * gain.mean:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(".venv-models"))
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--answers", type=Path, default=Path("build/real-models.jsonl"))
    parser.add_argument("--report-only", action="store_true", help="ask nothing more")
    parser.add_argument("--markdown", type=Path, help="page whose section is replaced")
    options = parser.parse_args()
    questions = easy_questions(options.questions, SEED)
    options.answers.parent.mkdir(parents=True, exist_ok=True)
    if not options.report_only:
        asyncio.run(measure(options.models, questions, options.answers))
    text = section(read_answers(options.answers), questions)
    sys.stdout.write(text)
    if options.markdown:
        page = options.markdown.read_text(encoding="utf-8").partition(f"\n{HEADING}")[0]
        options.markdown.write_text(f"{page.rstrip()}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
