"""The job that brings a rollout forward."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from scorer import default_artifact_path
from scorer.__main__ import app as scorer_app
from scorer.commands.learn import LEAST_NEW_FEEDBACK
from scorer.rollout.rollout_files import RolloutFiles
from services.evaluation.__main__ import app
from tests.chart.chart import render
from tests.unit.scorer.learning.test_learn import BAD, GOOD, NEW, lines
from tests.unit.scorer.learning.traffic_lines import write_lines
from tests.unit.scorer.rollout.samples import activated

if TYPE_CHECKING:
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


def learning(rendered: Rendered, folder: Path) -> list[str]:
    """Returns the arguments of the command that learns, with the volumes below a folder."""
    (container,) = pod(rendered)["containers"]
    python, flag, module, *arguments = container["command"]
    assert (container["name"], python, flag, module) == ("learn", "python", "-m", "scorer")
    return [re.sub("^/(artifact|decisions|run)", rf"{folder}/\1", word) for word in arguments]


def test_a_base_is_learned_from_after_the_step_and_its_rollout_starts(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    (tmp_path / "decisions").mkdir()
    link = activated(tmp_path / "artifact")
    (link.parent / "examined").symlink_to(default_artifact_path())
    arguments = learning(render("rollout"), tmp_path)
    early = CliRunner().invoke(scorer_app, arguments)
    assert early.exit_code == 0, early.output
    assert "nothing was learned" in early.stderr
    records = lines(LEAST_NEW_FEEDBACK, {GOOD: 0.95, BAD: 0.1, NEW: 0.9})
    write_lines(tmp_path / "decisions" / "decisions-1.jsonl.gz", records)
    done = CliRunner().invoke(scorer_app, arguments)
    assert done.exit_code == 0, done.output
    assert RolloutFiles(link).read() is not None


def test_a_base_is_learned_from_by_the_database_too(tmp_path: Path) -> None:
    change = ('artifactRollout.learn.base="examined"', "router.config.records_keep_text=true")
    rendered = render("rollout-postgres", *change)
    arguments = learning(rendered, tmp_path)
    mounts = pod(rendered)["containers"][0]["volumeMounts"]
    file = Path(arguments[arguments.index("--postgres-dsn-file") + 1])
    assert any(file.is_relative_to(f"{tmp_path}{mount['mountPath']}") for mount in mounts)


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
        ("router.config.records_keep_text=false", "records_keep_text"),
    ],
)
def test_a_job_without_a_link_or_records_is_refused(change: str, named: str) -> None:
    assert named in render("rollout", change).error
