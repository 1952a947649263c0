"""The tenants file, and who a call is of."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from routemoa.errors import UnknownTenantError
from services.router.budgets.accounts import TENANT_KEY, tenant_of
from services.router.budgets.tenants import ANONYMOUS, Tenants, load_tenants
from services.router.types.amounts import Caps, Window, nano_usd
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "a-token-of-research"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
KEYS = st.sampled_from(["tenants", "id", "per_day", "usd"]) | st.text()
ANYTHING = st.recursive(
    st.none() | st.text() | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)
GOOD = f"""\
tenants:
  - id: research
    token_sha256: [{DIGEST}]
    concurrent_answers: 8
    per_minute: {{calls: 60}}
    per_day: {{tokens: 1000000, usd: 12.5}}
  - id: support
    token_sha256: ["{"0" * 64}"]
"""


def load(tmp_path: Path, text: str) -> Tenants:
    path = tmp_path / "tenants.yaml"
    path.write_text(text)
    return load_tenants(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(FileProblemsError) as raised:
        load(tmp_path, text)
    return [problem.removeprefix(f"{tmp_path}/tenants.yaml: ") for problem in raised.value.problems]


def test_a_file_says_who_may_spend_what(tmp_path: Path) -> None:
    research = load(tmp_path, GOOD).by_id["research"]
    assert research.limits.concurrent_answers == 8
    assert research.limits.windows == {
        Window.PER_MINUTE: Caps(calls=60),
        Window.PER_DAY: Caps(tokens=1_000_000, nano_usd=nano_usd(12.5)),
    }
    assert load(tmp_path, GOOD).by_id["support"].limits.are_none


def test_every_problem_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    text = """\
tenants:
  - id: a b
    token_sha256: [secret]
    per_day: {dollars: 3}
  - id: c
    concurrent_answers: 0
    per_hour: {usd: .nan, calls: -1}
"""
    found = problems(tmp_path, text)
    assert [problem.partition(": ")[0] for problem in found] == [
        "line 2", "line 3", "line 4", "line 6", "line 7", "line 7"
    ]  # fmt: skip
    assert "tenants.0.token_sha256.0" in found[1]
    assert not any("secret" in problem for problem in found)


def test_contradictions_are_problems_too(tmp_path: Path) -> None:
    text = f"""\
tenants:
  - id: a
    token_sha256: [{DIGEST}]
  - id: a
  - id: b
    token_sha256: [{DIGEST}]
"""
    assert problems(tmp_path, text) == [
        "line 4: tenants.1.id: a is listed twice",
        "line 4: tenants.1: has no token_sha256 and trust_header is off, so it can never call",
        "line 6: tenants.2.token_sha256.0: is also a token of a",
    ]


@pytest.mark.parametrize("empty", ["", "\n", " "])
def test_the_digest_of_an_empty_token_is_refused(tmp_path: Path, empty: str) -> None:
    digest = hashlib.sha256(empty.encode()).hexdigest()
    text = GOOD.replace("0" * 64, digest)
    problem = "line 8: tenants.1.token_sha256.0: is the digest of an empty token"
    assert problems(tmp_path, text) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("tenants: []", "line 1: tenants: is empty, so nobody may call"),
        ("tenants: [", "line 1: is not YAML"),
        ("[]", "line 1: file: "),
    ],
)
def test_a_file_without_tenants_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text)[0].startswith(problem)


@given(ANYTHING)
def test_whatever_a_file_holds_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(FileProblemsError):
        load_tenants(path)


def test_every_router_keeps_tenants_apart_by_the_same_salts(tmp_path: Path) -> None:
    salts = [tenant.cache_salt for tenant in load(tmp_path, GOOD).tenants]
    assert len(set(salts)) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", salt) for salt in salts)
    assert [tenant.cache_salt for tenant in load(tmp_path, GOOD).tenants] == salts


def test_a_salt_depends_on_the_secret_of_its_tenant(tmp_path: Path) -> None:
    before = load(tmp_path, GOOD).by_id
    after = load(tmp_path, GOOD.replace("0" * 64, "1" * 64)).by_id
    assert before["research"].cache_salt == after["research"].cache_salt
    assert before["support"].cache_salt != after["support"].cache_salt


def test_tenants_without_tokens_have_salts_too(tmp_path: Path) -> None:
    text = "trust_header: true\ntenants: [{id: a}, {id: b}]"
    first, second = (load(tmp_path, text).by_id for _ in range(2))
    assert first["a"].cache_salt == second["a"].cache_salt != first["b"].cache_salt != ""


def test_without_a_file_everybody_is_the_same_tenant_without_limits() -> None:
    assert tenant_of([("authorization", "Bearer whatever")], None) is ANONYMOUS
    assert ANONYMOUS.limits.are_none
    assert ANONYMOUS.cache_salt == ""


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_a_token_names_its_tenant(tmp_path: Path, value: str) -> None:
    assert tenant_of([("authorization", value)], load(tmp_path, GOOD)).id == "research"


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer ")],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", f"Bearer {DIGEST}")],
        [("authorization", f"Bearer {TOKEN}x")],
        [("authorization", "Bearer \udcff ü")],
        [(TENANT_KEY, "research")],
        [("authorization-bin", b"\x00")],
    ],
)
def test_whoever_shows_no_known_token_is_refused(
    tmp_path: Path, metadata: list[tuple[str, str | bytes]]
) -> None:
    with pytest.raises(UnknownTenantError) as raised:
        tenant_of(metadata, load(tmp_path, GOOD))
    assert TOKEN not in raised.value.message


def test_a_trusted_header_decides_before_the_token(tmp_path: Path) -> None:
    tenants = load(tmp_path, "trust_header: true\n" + GOOD)
    token = ("authorization", f"Bearer {TOKEN}")
    assert tenant_of([(TENANT_KEY, "support"), token], tenants).id == "support"
    assert tenant_of([token], tenants).id == "research"
    with pytest.raises(UnknownTenantError):
        tenant_of([(TENANT_KEY, "other"), token], tenants)
