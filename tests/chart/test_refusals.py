from __future__ import annotations

import pytest

from services.router.pool.model import PoolModel
from tests.chart.chart import render

GOOD_MODEL = (
    '{"id":"a","url":"http://a:8000/v1","prompt_price_usd_per_million_tokens":1,'
    '"completion_price_usd_per_million_tokens":1,"context_window_tokens":8192%s}'
)


def model(extra: str = "") -> str:
    return f"router.pool.models=[{GOOD_MODEL % extra}]"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("routr={}", "routr"),
        ("router.replica=3", "replica"),
        ("router.replicas=0", "minimum"),
        ('router.replicas="two"', "want integer"),
        ("router.config.max_layerz=2", "max_layerz"),
        ("router.config.policy_max_layer_count=9", "maximum"),
        ("router.config.max_layers=9", "maximum"),  # an old name
        ('router.config.log_level="loud"', "log_level"),
        ('router.config.listen_address="0.0.0.0:1"', "listen_address"),
        ('scorer.config.provider="cuda"', "provider"),
        ("judge.config.cross_weight=-1", "cross_weight"),
        ('scorer.gpu.resourceName="gpu"', "resourceName"),
        ('scorer.resources.limits={"nvidia.com/gpu":2}', "nvidia.com/gpu"),
        ('scorer.resources.requests={"mem":"1Gi"}', "mem"),
        ('router.resources.limits.memory="512 MB"', "memory"),
        ('scorer.rollout.maxSurge="0%"', "maxSurge"),
        ('scorer.artifact.source="s3"', "source"),
        ('scorer.artifact.sha256="abc"', "sha256"),
        ('scorer.image.digest="latest"', "digest"),
        ("scorer.maxUnavailable=0", "maxUnavailable"),
        ('router.autoscaling.engine="vpa"', "engine"),
        ('router.topologySpread.zone="Never"', "zone"),
        ("monitoring.prometheusRule.errorShare=5", "errorShare"),
        ('tls.certManager.duration="90 days"', "duration"),
        ("networkPolicy.dns=[{}]", "dns"),
        (model(',"pricee":1'), "pricee"),
        (model(',"prior_score":2'), "prior_score"),
        ('router.pool.models=[{"id":"a"}]', "context_window_tokens"),
        ('router.pool.models=[{"id":"a","url":"ftp://a"}]', "pattern"),
        ('router.backendSecrets=[{"name":"a","secret":"b"}]', "secret"),
        ('router.backendSecrets=[{"name":"A B","secretName":"b"}]', "pattern"),
        ('router.decisions.sink="kafka"', "sink"),
        ('router.config.records_sink="files"', "records_sink"),
        ('router.config.decision_sink="files"', "decision_sink"),
        ("gateway.config.default_timeout_s=0", "default_timeout_s"),
        ('gateway.config.cors_origins="https://a.example"', "cors_origins"),
        ('gateway.config.router_address="a:1"', "router_address"),
        ('gateway.httpRoute.requestTimeout="10 minutes"', "requestTimeout"),
        ("gateway.httpRoute.paths=[]", "paths"),
        ('gateway.ingress.paths=["v1"]', "paths"),
    ],
)
def test_the_schema_refuses(change: str, named: str) -> None:
    error = render("default", change).error
    assert "schema" in error
    assert named in error


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (["router.pool.models=[]", "demo.enabled=false"], "router.pool.models is empty"),
        (
            ["router.pool.models=[]", 'router.budgets.tenantsSecretName="tenants"'],
            "keys of backends and tenants would meet simulated models",
        ),
        (
            ["router.pool.models=[]", "judge.autoscaling.enabled=true"],
            "the demo has one pod of each service",
        ),
        (
            [f"router.pool.models=[{GOOD_MODEL % ''},{GOOD_MODEL % ''}]"],
            "a is listed twice",
        ),
        ([model(',"max_reply_tokens":8192')], "leaves no room for a prompt"),
        ([model(',"api_key_file":"/run/secrets/backends/x/key"')], "is in no secret"),
        (['router.pool.aggregator="b"'], "b is not one of the models"),
        (['router.pool.safe_models=["b"]'], "safe_models: b is not one of the models"),
        (['router.backendSecrets=[{"name":"a"}]'], "exactly one of"),
        (['router.decisions.sink="postgres"'], "postgres needs dsnSecretName"),
        (['router.budgets.redisUrlSecretName="redis"'], "needs tenantsSecretName"),
        (["scorer.gpu.enabled=true"], "has no CUDA runtime"),
        (
            [
                "scorer.gpu.enabled=true",
                'scorer.image.repository="routemoa/scorer-gpu"',
                "scorer.autoscaling.enabled=true",
            ],
            "with a GPU the CPU says little",
        ),
        (
            [
                "scorer.gpu.enabled=true",
                'scorer.image.repository="routemoa/scorer-gpu"',
                "scorer.autoscaling.cpuUtilizationPercent=null",
                "scorer.autoscaling.enabled=true",
            ],
            "nothing to scale on",
        ),
        (
            ["judge.autoscaling.enabled=true", "judge.resources.requests.cpu=null"],
            "a share of resources.requests.cpu, which is missing",
        ),
        (
            [
                "monitoring.serviceMonitor.enabled=true",
                "monitoring.podMonitor.enabled=true",
            ],
            "scraped twice",
        ),
        (
            ["scorer.rollout.maxSurge=0", "scorer.rollout.maxUnavailable=0"],
            "no pod could ever be replaced",
        ),
        (
            ["router.autoscaling.enabled=true", "router.autoscaling.minReplicas=11"],
            "minReplicas is above maxReplicas",
        ),
        (
            ["router.autoscaling.enabled=true", "router.autoscaling.cpuUtilizationPercent=null"],
            "nothing to scale on",
        ),
        (
            [
                "judge.autoscaling.enabled=true",
                'judge.autoscaling.engine="keda"',
                "judge.autoscaling.callsInFlight=9",
            ],
            "keda needs prometheusAddress",
        ),
        (
            ["scorer.autoscaling.enabled=true", "scorer.autoscaling.queueWaitSeconds=1"],
            "which records it",
        ),
        (['scorer.artifact.source="pvc"'], "pvc needs claimName"),
        (['scorer.artifact.source="image"'], "image needs reference"),
        (['scorer.artifact.source="fetch"'], "fetch needs url and sha256"),
        (["tls.mutual=true"], "tls.mutual needs tls.enabled"),
        (["tls.certManager.enabled=true"], "tls.certManager.enabled needs tls.enabled"),
        (["tls.certManager.enabled=true"], "issuerRef.name is missing"),
        (["scorer.enabled=false"], "router.scorerAddress is missing"),
        (["judge.enabled=false"], "router.judgeAddress is missing"),
        (["router.grpcRoute.enabled=true"], "parentRefs is empty"),
        (["router.ingress.enabled=true"], "needs host and tlsSecretName"),
        (["router.ingress.enabled=true"], "calls from outside would be dropped"),
        (["router.enabled=false"], "gateway.routerAddress is missing"),
        (["gateway.httpRoute.enabled=true"], "gateway.httpRoute.parentRefs is empty"),
        (["gateway.ingress.enabled=true"], "gateway.ingress needs host"),
        (["gateway.ingress.enabled=true"], "gateway.networkPolicy.from is empty"),
    ],
)
def test_contradictions_are_refused_with_a_word_of_what_to_do(
    changes: list[str], problem: str
) -> None:
    assert problem in render("default", *changes).error


def test_a_context_window_must_hold_more_than_the_default_reply() -> None:
    reply = PoolModel.model_fields["max_reply_tokens"].default
    small, enough = (model().replace("8192", str(reply + room)) for room in (0, 1))
    assert f"max_reply_tokens, {reply}, leaves no room" in render("default", small).error
    assert not render("default", enough).error


def test_all_contradictions_are_told_at_once() -> None:
    error = render(
        "default", "tls.mutual=true", "scorer.gpu.enabled=true", "judge.enabled=false"
    ).error
    assert error.count("\n  - ") == 3


def test_an_image_volume_is_refused_where_kubernetes_has_none() -> None:
    assert "need Kubernetes 1.33" in render("artifact-image", kubernetes="1.32.0").error


def test_an_old_kubernetes_is_refused() -> None:
    assert "kubeVersion" in render("default", kubernetes="1.28.0").error


def test_a_pool_that_is_no_pool_is_refused() -> None:
    assert "router" in render("default", "router.pool=null").error
