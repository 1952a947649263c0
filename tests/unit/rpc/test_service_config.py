"""The settings of services, read from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.judge.config import JudgeServiceConfig
from services.rpc.config import EXIT_BAD_CONFIG, load_config
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from services.rpc.config import ServiceConfig


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTEMOA_JUDGE_SELF_WEIGHT", "0.25")
    monkeypatch.setenv("ROUTEMOA_JUDGE_LISTEN_ADDRESS", "[::1]:0")
    config = load_config(JudgeServiceConfig, [])
    assert (config.self_weight, config.listen_address) == (0.25, "[::1]:0")


@pytest.mark.parametrize(
    ("kind", "port"), [(ScorerServiceConfig, 50051), (JudgeServiceConfig, 50053)]
)
def test_every_service_has_a_port_of_its_own(kind: type[ServiceConfig], port: int) -> None:
    assert kind().listen_address == f"127.0.0.1:{port}"


def test_all_problems_are_printed_at_once_and_the_status_is_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTEMOA_JUDGE_PRIOR_WEIGHT", "0")
    monkeypatch.setenv("ROUTEMOA_JUDGE_CROSS_WEIGHT", "nan")
    monkeypatch.setenv("ROUTEMOA_JUDGE_LISTEN_ADDRESS", "nowhere")
    monkeypatch.setenv("ROUTEMOA_JUDGE_LISTENADDRESS", "127.0.0.1:1")
    with pytest.raises(SystemExit) as stopped:
        load_config(JudgeServiceConfig, ["--verbose"])
    assert stopped.value.code == EXIT_BAD_CONFIG
    problems = capsys.readouterr().err
    for part in ("_PRIOR_WEIGHT", "_CROSS_WEIGHT", "_LISTEN_ADDRESS", "_LISTENADDRESS"):
        assert f"ROUTEMOA_JUDGE{part}: " in problems
    assert "--verbose" in problems


def test_settings_that_contradict_each_other_are_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTEMOA_SCORER_MAX_QUEUE_REQUESTS", "10")
    with pytest.raises(SystemExit):
        load_config(ScorerServiceConfig, [])
    assert "max_batch_call_requests must not be above" in capsys.readouterr().err


def test_the_settings_in_effect_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        load_config(JudgeServiceConfig, ["--print-config"])
    assert stopped.value.code == 0
    assert '"prior_weight": 0.5' in capsys.readouterr().out
