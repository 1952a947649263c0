"""Measures what decision records cost: `python -m tests.bench.bench_decisions [--markdown FILE]`.

Only building a record takes time from the answer; the buffer's own task writes it. The
sinks take turns, each with the same records of a pool of 15 models and two layers, without texts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from services.evaluation.decisions.policy_overrides import policy_of
from services.router.decision_records.buffer import open_buffer
from services.router.decision_records.build import Ending, decision_record
from services.router.decision_records.files import FilesSink, Rotation
from services.router.decision_records.postgres import PostgresSink
from services.router.decision_records.record import AnswerOutcome
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.sinks import Line, line_of
from services.router.decision_records.tables import DECISIONS
from services.router.engine.planner import rank_eligible
from services.router.engine.run import Run
from services.router.pool.model import PoolModel
from services.router.pool.pool import Pool
from services.router.routing.events import Answer, Assessment, LayerReport, RoutingDecision
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallPurpose, CallStatus, LedgerEntry
from services.router.types.messages import Message, Role
from tests.bench.page_head import page_head
from tests.integration.postgres_server import postgres_server

if TYPE_CHECKING:
    from services.router.decision_records.sinks import Sink

MODELS = 15
LAYERS = 2
PICKED = 3
RECORDS = 3_000
ROUNDS = 5
REDACTION = Redaction(key=b"sixteen bytes or more", keep_text=False)


def sample() -> tuple[Run, list[RoutingDecision]]:
    """Returns a run of two layers that has ended, with its decisions."""
    models = [
        PoolModel.model_validate(
            {
                "id": f"maker/model-{number}",
                "url": "http://127.0.0.1/v1",
                "prompt_price_usd_per_million_tokens": 1,
                "completion_price_usd_per_million_tokens": 2,
                "context_window_tokens": 8192,
            }
        )
        for number in range(MODELS)
    ]
    run = Run(
        pool=Pool(models=tuple(models)),
        conversation=Conversation(messages=(Message(role=Role.USER, content="Why? " * 20),)),
        policy=policy_of({}, {}),
        deadline=Deadline.after(60),
    )
    run.priors = {model.id: 0.9 - number / 50 for number, model in enumerate(models)}
    decisions = []
    for layer_number in range(1, LAYERS + 1):
        ranked = rank_eligible(run)
        picked = tuple(item.model_id for item in ranked[:PICKED])
        decisions.append(
            RoutingDecision(layer_number=layer_number, ranked=ranked, selected_model_ids=picked)
        )
        run.reports.append(report(layer_number, picked))
        for entry in run.reports[-1].usage:
            run.ledger.add(entry)
    run.final = run.reports[-1].answers[0]
    return run, decisions


def report(layer_number: int, picked: tuple[str, ...]) -> LayerReport:
    """Returns what came of a layer."""
    return LayerReport(
        layer_number=layer_number,
        selected_model_ids=picked,
        answers=tuple(
            Answer(
                model_id=m, text="Because. " * 50, self_score=0.5, grades=dict.fromkeys(picked, 0.5)
            )
            for m in picked
        ),
        assessments=tuple(
            Assessment(model_id=m, posterior_score=0.6, self_score=0.5, cross_score=0.5)
            for m in picked
        ),
        usage=tuple(
            LedgerEntry(
                model_id=m,
                purpose=CallPurpose.ANSWER,
                status=CallStatus.OK,
                layer_number=layer_number,
                prompt_tokens=120,
                completion_tokens=150,
                cost_usd=0.0004,
                estimated=False,
                duration_s=2.0,
                time_to_first_token_s=0.2,
            )
            for m in picked
        ),
        duration_s=2.0,
    )


def make_line(run: Run, decisions: list[RoutingDecision]) -> Line:
    """Makes a record and its JSON, as the router does when an answer ends."""
    ending = Ending(
        id="0" * 32,
        started=datetime.now(UTC),
        outcome=AnswerOutcome.ANSWERED,
        error_reason=None,
        tenant=None,
        total_s=4.0,
        config_version="c" * 12,
    )
    return line_of(decision_record(run, decisions, ending, REDACTION))


async def seconds_to_write(sink: Sink[Line], line: Line, turn: int) -> tuple[float, float]:
    """Returns wall and processor seconds until a sink has all records."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    async with open_buffer(sink, max_bytes=1 << 30, drain_timeout_s=300) as buffer:
        for number in range(RECORDS):
            buffer.put(replace(line, id=f"{turn}-{number}"))
    return time.perf_counter() - started_s, time.process_time() - cpu_s


def measure() -> str:
    """Returns the report."""
    run, decisions = sample()
    making_us: list[float] = []
    line = make_line(run, decisions)
    times: dict[str, list[tuple[float, float]]] = {"files": [], "postgres": []}
    rotation = Rotation(max_directory_bytes=1 << 30)
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        dsn_file = Path(folder) / "dsn"
        dsn_file.write_text(server.dsn)
        for turn in range(ROUNDS):
            cpu_s = time.process_time()
            for _ in range(300):
                make_line(run, decisions)
            making_us.append((time.process_time() - cpu_s) / 300 * 1e6)
            files = FilesSink(Path(folder) / f"records-{turn}", rotation)
            times["files"].append(asyncio.run(seconds_to_write(files, line, turn)))
            times["postgres"].append(
                asyncio.run(seconds_to_write(PostgresSink(dsn_file, DECISIONS), line, turn))
            )
    rows = [
        f"| {name} | {RECORDS / statistics.median(wall for wall, _ in found):,.0f} "
        f"| {statistics.median(cpu for _, cpu in found) / RECORDS * 1e6:.0f} |"
        for name, found in times.items()
    ]
    made = (
        f"Making a record and its JSON ({len(line.json) / 1e3:.1f} kB) takes "
        f"{statistics.median(making_us):.0f} µs of processor time."
    )
    head = (
        "| sink | records/s | router's processor time per record, µs |",
        "| --- | ---: | ---: |",
    )
    return "\n".join((made, "", *head, *rows))


HEAD = page_head(
    "The cost of decision records",
    "How much processor time does a record cost, and how many records can a sink write?",
    f"""Command: `python -m tests.bench.bench_decisions`. Setting: {platform.machine()},
    {os.cpu_count()} cores shared with other work; medians of {ROUNDS} interleaved rounds of
    {RECORDS:,} records each. A record has {MODELS} models, {LAYERS} layers and no texts. Files:
    fsync after each batch, compression included. PostgreSQL: a server on the same cores, fsync off,
    batches of up to 500. Not measured: a database across a network, and its disk.""",
)


def main() -> None:
    """Runs the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="write the report here")
    options = parser.parse_args()
    text = measure()
    print(text)  # noqa: T201  # talks to a person
    if options.markdown is not None:
        options.markdown.write_text(f"{HEAD}{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
