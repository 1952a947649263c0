"""The job that brings a rollout forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from services.evaluation.__main__ import app
from tests.chart.chart import render

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chart.chart import Rendered

SCENARIOS = ("rollout", "rollout-postgres")


def pod(rendered: Rendered) -> dict[str, Any]:
    job = rendered.one("CronJob", "rollout")["spec"]["jobTemplate"]["spec"]
    found: dict[str, Any] = job["template"]["spec"]
    return found


def step(spec: dict[str, Any]) -> dict[str, Any]:
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    return next(container for container in containers if container["name"] == "step")


def test_there_is_no_job_unless_it_is_asked_for() -> None:
    assert not render("default").all("CronJob")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_step_is_a_command_of_the_program(scenario: str, tmp_path: Path) -> None:
    python, flag, module, *arguments = step(pod(render(scenario)))["command"]
    assert [python, flag, module] == ["python", "-m", "services.evaluation"]
    here = [a.replace("/artifact/", f"{tmp_path}/") for a in arguments]
    done = CliRunner().invoke(app, here)
    assert done.exit_code == 0, done.output
    assert "there is no rollout" in done.output


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_job_moves_the_link_that_the_scorers_follow(scenario: str) -> None:
    rendered = render(scenario)
    command = step(pod(rendered))["command"]
    settings = rendered.one("ConfigMap", "scorer")["data"]
    assert settings["ROUTEMOA_SCORER_ARTIFACT"] == command[command.index("--link") + 1]
    scorer = rendered.one("Deployment", "scorer")["spec"]["template"]["spec"]["containers"][0]
    mounts = [
        {
            key: value
            for mount in container["volumeMounts"]
            if mount["name"] == "artifact"
            for key, value in mount.items()
            if key != "readOnly"
        }
        for container in (scorer, step(pod(rendered)))
    ]
    assert mounts[0] == mounts[1]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_job_has_no_more_rights_than_the_services(scenario: str) -> None:
    rendered = render(scenario)
    spec = pod(rendered)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        records = [m for m in container["volumeMounts"] if m["name"].startswith("decision")]
        assert [mount["readOnly"] for mount in records] == [True]
    policy = rendered.one("NetworkPolicy", "rollout")["spec"]
    assert policy["ingress"] == []
    assert bool(policy["egress"]) is (scenario == "rollout-postgres")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('scorer.artifact.link=""', "link"),
        ('router.decisions.claimName=""', "claimName"),
        ('artifactRollout.schedule="hourly"', "schedule"),
        ("artifactRollout.activeDeadlineSeconds=1", "activeDeadlineSeconds"),
    ],
)
def test_a_job_without_a_link_or_records_is_refused(change: str, named: str) -> None:
    assert named in render("rollout", change).error
