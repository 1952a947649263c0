"""`python -m services.router.budgets`, run as an operator does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.router.budgets.__main__ import main
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.store import Hold
from services.router.types.amounts import Amount, TenantLimits, nano_usd
from services.rpc.breaker import Breaker
from tests.redis_server import running_redis

TENANTS = f"""\
tenants:
  - id: research
    token_sha256: ["{"0" * 64}"]
    concurrent_answers: 8
    per_day: {{usd: 12.5, calls: 5000}}
  - id: free
    token_sha256: ["{"1" * 64}"]
"""


def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-m", "services.router.budgets", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


async def test_it_shows_what_is_taken_of_every_limit(tmp_path: Path) -> None:
    tenants, url = tmp_path / "tenants.yaml", tmp_path / "url"
    tenants.write_text(TENANTS)
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        url.write_text(server.url)
        async with open_redis_store(server.url, timeout_s=5, breaker=Breaker()) as store:
            hold = Hold(id="1", amount=Amount(1200, 5, nano_usd(1.25)), answers=1)
            await store.reserve("research", TenantLimits(), [hold], 60_000)
        shown = run(tenants, url)
    assert shown.stderr == ""
    assert [line.split() for line in shown.stdout.splitlines()[1:]] == [
        ["research", "concurrent_answers", "1", "8"],
        ["research", "per_day.calls", "1,200", "5,000"],
        ["research", "per_day.usd", "1.25", "12.5"],
    ]


def test_what_keeps_it_from_showing_them_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants, url = tmp_path / "tenants.yaml", tmp_path / "url"
    tenants.write_text(TENANTS)
    url.write_text(f"unix://{tmp_path}/nobody.sock")
    for arguments, problem in (
        ((tenants, url), "the budgets cannot be read now"),
        ((url, url), "line 1: file: "),
        ((tenants, tenants), "the URL of a Redis"),
        ((tenants, tmp_path / "missing"), "missing"),
    ):
        monkeypatch.setattr(sys, "argv", ["budgets", *map(str, arguments)])
        with pytest.raises(SystemExit) as raised:
            main()
        assert problem in str(raised.value.code)
