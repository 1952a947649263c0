"""The forms of Redis's URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.budgets.redis_url import (
    Login,
    RedisUrl,
    RedisUrlError,
    parse_redis_url,
    read_redis_url,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("redis://host", RedisUrl(hosts=(("host", 6379),))),
        ("redis://host:1/3", RedisUrl(hosts=(("host", 1),), database=3)),
        ("redis://host?db=3", RedisUrl(hosts=(("host", 6379),), database=3)),
        ("redis://[::1]:7/0", RedisUrl(hosts=(("::1", 7),))),
        (
            "redis://us%40er:p%2Fw%3A%40@host/0",
            RedisUrl(hosts=(("host", 6379),), login=Login(username="us@er", password="p/w:@")),
        ),
        (
            f"rediss://:{SECRET}@host",
            RedisUrl(hosts=(("host", 6379),), login=Login(password=SECRET), tls_files={}),
        ),
        ("unix:///run/redis.sock?db=2", RedisUrl(socket_path="/run/redis.sock", database=2)),
        (
            f"redis+sentinel://app:{SECRET}@a,b:5,[::1]/counts/1?sentinel_password=other",
            RedisUrl(
                hosts=(("a", 26379), ("b", 5), ("::1", 26379)),
                primary="counts",
                database=1,
                login=Login(username="app", password=SECRET),
                sentinel_login=Login(password="other"),
            ),
        ),
        ("redis+cluster://a,b:5", RedisUrl(hosts=(("a", 6379), ("b", 5)), is_cluster=True)),
        (
            f"rediss+cluster://:{SECRET}@a/0",
            RedisUrl(
                hosts=(("a", 6379),), is_cluster=True, login=Login(password=SECRET), tls_files={}
            ),
        ),
        (
            "rediss+sentinel://a/counts",
            RedisUrl(hosts=(("a", 26379),), primary="counts", tls_files={}),
        ),
    ],
)
def test_a_url_has_the_parts_that_it_names(text: str, read: RedisUrl) -> None:
    assert parse_redis_url(text) == read
    assert SECRET not in repr(parse_redis_url(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must begin with one of redis://"),
        (f"http://:{SECRET}@host", "must begin with one of redis://"),
        (f"redis://:{SECRET}@host:port", "not HOST or HOST:PORT"),
        (f"redis://:a/{SECRET}@host", "%2F"),
        (f"redis://:a?{SECRET}@host", "name=value"),
        (f"redis://:a?{SECRET}=b@host", "%3F"),
        (f"redis://:a#{SECRET}@host", "%23"),
        (f"redis://:{SECRET}@", "not HOST or HOST:PORT"),
        (f"redis://:{SECRET}@a..b", "not HOST or HOST:PORT"),
        (f"redis://:{SECRET}@host:99999", "not HOST or HOST:PORT"),
        (f"redis://:{SECRET}@a,b", "several hosts"),
        (f"redis://:{SECRET}@host/nought", "database is not a number"),
        (f"redis://:{SECRET}@host\nredis://other", "second line"),
        (f"redis://:{SECRET}@host?socket_timeout=1", "the parameters db only"),
        (f"redis://:{SECRET}@host?ssl_ca_certs=/ca", "the parameters db only"),
        (f"redis+sentinel://:{SECRET}@a,b", "does not name the primary"),
        (f"redis+cluster://:{SECRET}@a,b/3", "only database 0"),
        (f"rediss://:{SECRET}@host?ssl_ca_certs=/nowhere/ca.crt", "No such file"),
        (f"rediss://:{SECRET}@host?ssl_ca_certs={__file__}", "ssl_ca_certs cannot be used"),
    ],
)
def test_a_problem_is_named_without_the_password(text: str, problem: str) -> None:
    with pytest.raises(RedisUrlError) as raised:
        parse_redis_url(text)
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", f"ftp://:{SECRET}@host\n".encode()])
def test_a_file_without_such_a_url_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "redis-url"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RedisUrlError) as raised:
        read_redis_url(path)
    assert f"{path} does not contain the URL of a Redis" in str(raised.value)
    assert SECRET not in str(raised.value)
