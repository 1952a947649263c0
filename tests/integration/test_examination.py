"""`routemoa examine`, as a process and in parts, against simulated models."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from services.examination.asking.answer import Answer
from services.examination.asking.call import open_caller
from services.examination.asking.estimate import estimate_cost
from services.examination.asking.examiner import Plan, examine
from services.examination.asking.folder import (
    ANSWERS,
    Examination,
    open_answers,
    prepare,
    read_examination,
)
from services.examination.asking.pause import Pause
from services.examination.asking.stock import Stock
from services.router.pool.pool import load_pool
from services.simulator import FaultKind, running_simulator
from services.simulator.call import Reply
from tests.examinees import KINDS, able, by_prompt
from tests.integration.conftest import write_pool
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STOCK = Stock(KINDS, ["en"], 0, [])
QUESTIONS = by_prompt(STOCK)
MODELS: Mapping[str, Any] = {"strong": able(QUESTIONS, 1.5), "weak": able(QUESTIONS, -1.5)}
OPTIONS = [option for kind in KINDS for option in ("--kind", kind)]
PLAN = Plan(accuracy=0.1, max_questions=30, max_usd=None, max_minutes=10, parallel=3)


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "routemoa.cli", "examine", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def routemoa_examine(*arguments: str) -> tuple[int | None, str]:
    process = await start(*arguments)
    async with asyncio.timeout(150):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def examined(
    folder: Path, pool_file: Path, plan: Plan = PLAN, *, timeout_s: float = 30.0
) -> Examination:
    """Examines a pool within this process, with short pauses."""
    prepare(folder, seed=0, kinds=KINDS, languages=["en"], own=None)
    pool, before = load_pool(pool_file), read_examination(folder)
    estimates = [estimate_cost(model, STOCK, plan.max_questions) for model in pool.models]
    with open_answers(folder) as file:
        async with asyncio.timeout(150), open_caller(pool, timeout_s=timeout_s) as caller:
            await examine(
                pool,
                before,
                STOCK,
                plan,
                estimates,
                caller=caller,
                file=file,
                on_entry=lambda _entry, _sheet: None,
                new_pause=lambda: Pause(first_pause_s=0.001),
            )
    return read_examination(folder)


async def test_a_pool_is_examined_and_reported(tmp_path: Path) -> None:
    folder, page = tmp_path / "examination", tmp_path / "report.html"
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = str(write_pool(tmp_path, simulator.url, MODELS, {}, None))
        run = ("run", "--pool", pool, "--output", str(folder), "--questions", "40", *OPTIONS)
        exit_code, output = await routemoa_examine(*run)
        assert exit_code == 1
        assert "Agree to the cost by --yes" in output
        assert not simulator.calls
        exit_code, output = await routemoa_examine(*run, "--yes")
        assert exit_code == 0, output
        assert "dollars at most" in output
    records = tmp_path / "records.jsonl.gz"
    exit_code, output = await routemoa_examine(
        *("report", str(folder), "--html", str(page), "--records", str(records))
    )
    assert exit_code == 0, output
    assert output.index("strong") < output.index("weak")
    assert "<svg" in page.read_text()
    exit_code, output = await routemoa_examine("report", str(folder), "--json")
    strong, weak = json.loads(output)["models"]
    assert (strong["model"], weak["model"]) == ("strong", "weak")
    assert strong["success"] > weak["success"] + 0.2
    assert strong["answers"] <= 40


async def test_a_killed_examination_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "examination"
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = str(write_pool(tmp_path, simulator.url, MODELS, {}, None))
        run = ("run", "--pool", pool, "--output", str(folder), "--questions", "60", "--yes")
        process = await start(*run, *OPTIONS)
        await simulator.wait_for_calls(lambda calls: len(calls) >= 25, timeout_s=100)
        process.kill()
        await process.wait()
        first = read_examination(folder)
        assert first.answers
        exit_code, output = await routemoa_examine(*run, *OPTIONS)
        assert exit_code == 0, output
    found = read_examination(folder)
    assert found.entries[: len(first.entries)] == first.entries
    asked = [(answer.model, answer.question) for answer in found.answers]
    assert len(set(asked)) == len(asked)
    assert len(asked) > len(first.answers)


async def test_a_model_with_rate_limits_all_the_way_is_given_up_and_others_go_on(
    tmp_path: Path,
) -> None:
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = write_pool(tmp_path, simulator.url, MODELS, {}, None)
        simulator.set_fault("weak", FaultKind.ERROR_429)
        found = await examined(tmp_path / "e", pool)
        limited = [call for call in simulator.calls if call.model == "weak"]
    assert "7 calls in a row failed, the last one as RATE_LIMITED" in found.given_up["weak"]
    assert {answer.model for answer in found.answers} == {"strong"}
    assert len(limited) <= 7 + PLAN.parallel


async def test_failures_now_and_then_only_cost_time(tmp_path: Path) -> None:
    models = {"usual": able(QUESTIONS, 0.0, "a"), "weak": able(QUESTIONS, 0.0, "b")}
    async with running_simulator(ScriptedAnswers(models)) as simulator:
        pool = write_pool(tmp_path, simulator.url, models, {}, None)
        simulator.set_fault("weak", FaultKind.ERROR_500, share=0.2)
        found = await examined(tmp_path / "e", pool)
    assert not found.given_up
    assert found.failures
    asked = [answer.question for answer in found.answers if answer.model == "weak"]
    assert len(set(asked)) == len(asked) == PLAN.max_questions


async def test_a_model_that_was_given_up_is_asked_again_by_the_next_run(tmp_path: Path) -> None:
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = write_pool(tmp_path, simulator.url, MODELS, {}, None)
        simulator.set_fault("weak", FaultKind.REFUSE)
        assert "weak" in (await examined(tmp_path / "e", pool)).given_up
        simulator.clear_fault("weak")
        found = await examined(tmp_path / "e", pool)
    assert not found.given_up
    assert {answer.model for answer in found.answers} == {"strong", "weak"}


@pytest.mark.parametrize("limit_usd", [0.02, 0.05])
async def test_dollars_stay_within_the_limit(tmp_path: Path, limit_usd: float) -> None:
    plan = Plan(accuracy=0.01, max_questions=500, max_usd=limit_usd, max_minutes=10, parallel=3)
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        prices = {"prompt_price_usd_per_million_tokens": 5.0}
        overrides = dict.fromkeys(MODELS, prices)
        pool = write_pool(tmp_path, simulator.url, MODELS, overrides, None)
        found = await examined(tmp_path / "e", pool, plan)
    assert found.answers
    assert found.spent_usd <= limit_usd


async def test_time_limits_and_hanging_models_end_an_examination(tmp_path: Path) -> None:
    plan = Plan(accuracy=0.1, max_questions=30, max_usd=None, max_minutes=0.1, parallel=3)
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = write_pool(tmp_path, simulator.url, MODELS, {}, None)
        simulator.set_fault("weak", FaultKind.HANG)
        found = await examined(tmp_path / "e", pool, plan, timeout_s=2.0)
    assert {failure.failure for failure in found.failures} == {"TIMEOUT"}
    assert {answer.model for answer in found.answers} == {"strong"}


async def test_silent_and_refusing_models_are_named_in_the_report(tmp_path: Path) -> None:
    models = {
        **MODELS,
        "silent": lambda _: Reply(text=""),
        "careful": lambda _: Reply(text="", refusal="I cannot help with that."),
    }
    async with running_simulator(ScriptedAnswers(models)) as simulator:
        pool = write_pool(tmp_path, simulator.url, models, {}, None)
        await examined(tmp_path / "e", pool)
    exit_code, output = await routemoa_examine("report", str(tmp_path / "e"), "--json")
    assert exit_code == 0, output
    warnings = json.loads(output)["warnings"]
    assert any("silent answers nothing" in warning for warning in warnings)
    assert any("careful refuses everything" in warning for warning in warnings)
    assert not any(warning.startswith(("strong", "weak")) for warning in warnings)


async def test_models_without_room_or_tools_are_not_asked_what_they_cannot_take(
    tmp_path: Path,
) -> None:
    overrides = {"weak": {"context_window_tokens": 200, "max_reply_tokens": 100}}
    pool = load_pool(write_pool(tmp_path, "http://127.0.0.1:1/v1", MODELS, overrides, None))
    stock = Stock(["needles", "tool-calls", "arithmetic"], ["en"], 0, [])
    weak = estimate_cost(pool.by_id["weak"], stock, 10)
    assert weak.unfit[:2].all()
    assert not weak.unfit[2].all()
    assert weak.expected_usd < weak.most_usd


async def test_answers_have_costs_and_no_text(tmp_path: Path) -> None:
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = write_pool(tmp_path, simulator.url, MODELS, {}, None)
        found = await examined(tmp_path / "e", pool)
        used = sum(call.prompt_tokens for call in simulator.calls if call.model == "strong")
    ours = [answer for answer in found.answers if answer.model == "strong"]
    assert all(isinstance(answer, Answer) and answer.cost_usd > 0 for answer in ours)
    assert sum(answer.prompt_tokens for answer in ours) == used
    kept = (tmp_path / "e" / ANSWERS).read_text()
    assert not any(prompt in kept for prompt in QUESTIONS)


async def test_bad_own_questions_are_all_named_and_nothing_is_asked(tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text('{"query": "a?"}\n{"query": "b?", "gold": 1}\n{"query": "b?", "gold": 2}\n')
    async with running_simulator(ScriptedAnswers(MODELS)) as simulator:
        pool = str(write_pool(tmp_path, simulator.url, MODELS, {}, None))
        exit_code, output = await routemoa_examine(
            *("run", "--pool", pool, "--output", str(tmp_path / "e"), "--file", str(own), "--yes")
        )
        assert not simulator.calls
    assert exit_code == 2
    assert "line 1: has no checker" in output
    assert "line 3: has the query" in output
    exit_code, output = await routemoa_examine("report", str(tmp_path / "e"))
    assert exit_code == 2
    assert "holds no examination" in output


async def test_commands_that_cannot_work_say_so_in_a_line(tmp_path: Path) -> None:
    pool = str(write_pool(tmp_path, "http://127.0.0.1:1/v1", MODELS, {}, None))
    run = ("run", "--pool", pool, "--output", str(tmp_path / "e"), "--yes")
    for wrong, words in (
        (("--only-own",), "--only-own needs --file"),
        (("--file", str(tmp_path / "nothing.jsonl")), "nothing.jsonl cannot be used"),
        (("--accuracy", "0"), "has to be above 0"),
    ):
        exit_code, output = await routemoa_examine(*run, *wrong)
        assert exit_code == 2
        assert words in output
        assert "Traceback" not in output
    assert not (tmp_path / "e").exists()
