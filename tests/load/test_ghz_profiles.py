"""Every profile is one that ghz takes and the scorer answers, and its report is read."""

from __future__ import annotations

import pytest

from tests.load.ghz_profiles import FOLDER, PROFILES, Loaded, Profile, load, report_of
from tests.load.tool import found
from tests.toolchain import missing


def test_the_folder_holds_the_profiles_and_nothing_else() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PROFILES)
    queries = {name: Profile.read(name).queries for name in PROFILES}
    assert queries == {"steady": 1, "ramp": 1, "burst": 1, "bulk": 16, "bidi": 64}


def test_refused_and_failed_calls_are_counted_apart_and_have_no_latency() -> None:
    details = [
        {
            "timestamp": f"2026-01-01T00:00:0{second}.123456789Z",
            "latency": 2e6,
            "status": status,
            "error": "",
        }
        for second, status in enumerate(("OK", "Unavailable", "OK", "Unknown"))
    ]
    details.append(details[1] | {"error": "rpc error: use of closed network connection"})
    loaded = Loaded.of(Profile(name="x", queries=3), {"details": details, "total": 2e9})
    assert loaded.points == [(0, 2), (2, 2)]
    assert loaded.row() == "| x | 3 | 3 | 2.0 | 2.0 | 4 | 1 | 1 |"


@pytest.mark.parametrize("name", PROFILES)
async def test_the_scorer_answers_every_profile(name: str) -> None:
    ghz = found("ghz")
    if ghz is None:
        missing("ghz is not installed; `make test-clients` installs it")
    loaded = await load(ghz, Profile.read(name), span_s=0.3)
    assert loaded.points
    assert loaded.failed == 0
    assert f"| {name} |" in report_of([loaded])
