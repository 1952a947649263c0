"""The settings of services, read from the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.rpc.config import EXIT_BAD_CONFIG, load_config
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from pathlib import Path

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
    monkeypatch.setenv("ROUTEMOA_JUDGE_SELF_WEIGHT", "-1")
    monkeypatch.setenv("ROUTEMOA_JUDGE_CROSS_WEIGHT", "nan")
    monkeypatch.setenv("ROUTEMOA_JUDGE_LISTEN_ADDRESS", "nowhere")
    monkeypatch.setenv("ROUTEMOA_JUDGE_LISTENADDRESS", "127.0.0.1:1")
    with pytest.raises(SystemExit) as stopped:
        load_config(JudgeServiceConfig, ["--verbose"])
    assert stopped.value.code == EXIT_BAD_CONFIG
    problems = capsys.readouterr().err
    for part in ("_SELF_WEIGHT", "_CROSS_WEIGHT", "_LISTEN_ADDRESS", "_LISTENADDRESS"):
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
    assert '"cross_weight": 1.0' in capsys.readouterr().out


def router(**settings: str) -> subprocess.CompletedProcess[str]:
    """Prints the router's configuration, as its operator would, in a process of its own."""
    variables = {f"ROUTEMOA_ROUTER_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "services.router", "--print-config"],
        env=os.environ | {"ROUTEMOA_ROUTER_POOL_FILE": "pool.yaml"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_setting_of_a_group_is_read_and_shown_with_the_groups_name() -> None:
    printed = router(POLICY_MAX_LAYER_COUNT="4", REPLICA_HEDGE_SHARE="0", LOG_LEVEL="debug")
    config = json.loads(printed.stdout)
    assert config["policy_max_layer_count"] == 4
    assert config["replica_hedge_share"] == 0
    assert config["log_level"] == "debug"
    assert not printed.stderr


def test_a_problem_of_a_group_names_the_variable() -> None:
    printed = router(POLICY_MAX_LAYER_COUNT="9", RECORDS_SINK="files", POLICY_LAYERS="2")
    assert printed.returncode == EXIT_BAD_CONFIG
    assert "ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT: Input should be less than" in printed.stderr
    assert "ROUTEMOA_ROUTER_POLICY_LAYERS: no setting of that name" in printed.stderr
    assert "records_sink files needs records_dir" in printed.stderr


def test_old_names_still_work_with_a_warning_each() -> None:
    printed = router(MAX_LAYERS="4", MIN_GAIN="0.5", DECISION_SINK="stdout", MAX_CALLS="7")
    config = json.loads(printed.stdout)
    assert config["policy_max_layer_count"] == 4
    assert config["records_sink"] == "stdout"
    assert "max_layers" not in config
    warnings = {line["old"]: line for line in map(json.loads, printed.stderr.splitlines())}
    assert {line["level"] for line in warnings.values()} == {"warning"}
    renamed = warnings.pop("ROUTEMOA_ROUTER_MAX_LAYERS")
    assert renamed["event"] == "setting_renamed"
    assert renamed["new"] == "ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT"
    removed = warnings.pop("ROUTEMOA_ROUTER_MIN_GAIN")
    assert removed["event"] == "setting_removed"
    assert removed["message"] == "no longer a setting; the value 0.01 is fixed"
    assert warnings.keys() == {"ROUTEMOA_ROUTER_DECISION_SINK", "ROUTEMOA_ROUTER_MAX_CALLS"}


def test_a_problem_names_the_variable_that_was_set() -> None:
    printed = router(MAX_LAYERS="9")
    assert printed.returncode == EXIT_BAD_CONFIG
    assert "ROUTEMOA_ROUTER_MAX_LAYERS: Input should be less than" in printed.stderr


def test_an_old_and_a_new_name_together_are_a_problem() -> None:
    printed = router(MAX_LAYERS="4", POLICY_MAX_LAYER_COUNT="4")
    assert printed.returncode == EXIT_BAD_CONFIG
    assert (
        "ROUTEMOA_ROUTER_MAX_LAYERS and ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT are one setting: "
        "set ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT alone" in printed.stderr
    )


def test_two_old_names_that_became_one_may_have_the_same_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    same = router(SCORER_TIMEOUT_S="2", JUDGE_TIMEOUT_S="2")
    assert json.loads(same.stdout)["dependency_timeout_s"] == 2
    monkeypatch.setenv("ROUTEMOA_ROUTER_SCORER_TIMEOUT_S", "2")
    monkeypatch.setenv("ROUTEMOA_ROUTER_JUDGE_TIMEOUT_S", "3")
    with pytest.raises(SystemExit):
        load_config(RouterServiceConfig, [])
    assert "set ROUTEMOA_ROUTER_DEPENDENCY_TIMEOUT_S alone" in capsys.readouterr().err


def test_what_was_set_is_known_apart_from_the_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ROUTEMOA_ROUTER_POLICY_MAX_LAYER_COUNT", "2")
    monkeypatch.setenv("ROUTEMOA_ROUTER_PRICE_BAND", "0.2")
    config = RouterServiceConfig(pool_file=tmp_path / "pool.yaml")
    assert config.policy.model_fields_set == {"max_layer_count", "price_band"}


def test_a_setting_that_does_not_exist_is_a_fault_in_code_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_layers"):
        RouterServiceConfig(pool_file=tmp_path, max_layers=2)  # type: ignore[call-arg]
