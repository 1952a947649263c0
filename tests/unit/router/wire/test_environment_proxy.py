"""The meaning of HTTP_PROXY, HTTPS_PROXY and NO_PROXY."""

from __future__ import annotations

import pytest

from services.router.backends.http.proxy import Proxies, environment_proxy
from tests.wire.attempt import pool_model

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://a.example/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://a.example/v1", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://a.example/v1", None),
        ({"HTTPS_PROXY": PROXY}, "https://a.example/v1", PROXY),
        ({"http_proxy": "proxy:3128"}, "http://a.example/v1", PROXY),
        ({"http_proxy": "", "HTTP_PROXY": PROXY}, "http://a.example/v1", None),
        ({"http_proxy": "http://b", "HTTP_PROXY": PROXY}, "http://a.example/v1", "http://b"),
    ],
)
def test_the_scheme_of_the_url_chooses_the_variable(
    environment: dict[str, str], url: str, proxy: str | None
) -> None:
    assert environment_proxy(url, environment) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "a.example", True),
        ("a.example", "a.example", True),
        ("A.Example", "a.example", True),
        ("example", "a.example", True),
        (".example", "a.example", True),
        ("*.example", "a.example", True),
        (".example", "example", True),
        ("xample", "a.example", False),
        ("a.example.org", "a.example", False),
        ("b.example, a.example", "a.example", True),
        ("b.example a.example", "a.example", True),
        ("a.example:8000", "a.example:8000", True),
        ("a.example:8000", "a.example:9000", False),
        ("a.example:80", "a.example", True),
        ("a.example", "a.example.", True),
        ("10.0.0.0/8", "10.1.2.3:8000", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", True),
        ("10.1.2.3/99", "10.1.2.3", False),
        ("fd00::/8", "[fd00::7]:8000", True),
        ("fd00::7", "[fd00::7]", True),
        ("[fd00::7]", "[fd00::7]", True),
        ("[fd00::7]:80", "[fd00::7]", True),
        ("[fd00::7]:81", "[fd00::7]", False),
        ("10.0.0.0/8", "ten.example", False),
        ("", "a.example", False),
        (",,", "a.example", False),
        (".", "a.example", False),
        ("", "localhost", True),
        ("", "a.localhost", True),
        ("", "127.7.7.7:8000", True),
        ("", "[::1]", True),
        ("", "0.0.0.0", True),  # noqa: S104  # this machine, too
    ],
)
def test_no_proxy_names_hosts_domains_networks_and_ports(
    no_proxy: str, host: str, *, direct: bool
) -> None:
    environment = {"HTTP_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert (environment_proxy(f"http://{host}/v1", environment) is None) == direct


def test_the_pool_file_precedes_the_environment() -> None:
    proxies = Proxies({"HTTP_PROXY": PROXY})
    url = "http://a.example/v1"
    assert proxies.proxy_of(pool_model(url), url) == PROXY
    assert proxies.proxy_of(pool_model(url, proxy="none"), url) is None
    assert proxies.proxy_of(pool_model(url, proxy="http://b:1"), url) == "http://b:1/"


def test_addresses_that_were_looked_up_have_no_proxy_of_the_environment() -> None:
    endpoints = {"dns": {"name": "vllm.models.svc", "port": 8000}}
    proxies = Proxies({"HTTP_PROXY": PROXY})
    looked_up = "http://10.0.0.1:8000/v1"
    assert proxies.proxy_of(pool_model(None, endpoints=endpoints), looked_up) is None
    model = pool_model(None, endpoints=endpoints, proxy="http://b:1")
    assert proxies.proxy_of(model, looked_up) == "http://b:1/"
