"""Looks for known vulnerabilities of the locked dependencies, and says so if it cannot.

`python scripts/audit.py --tools .venv-supply [LOCK ...]` asks pip-audit about each lock file. First it
asks about an old package with known vulnerabilities: a service that knows none of them, as a mirror
without that data, knows nothing of ours either.

Exit status: 0 if no dependency has a known vulnerability, or if nothing could be audited, which is
printed; 1 if some have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KNOWN_TO_BE_VULNERABLE = "urllib3==1.24.1\n"
TIMEOUT_S = 600


class NotAuditedError(Exception):
    """Raised if there is no answer about a lock file."""


def main() -> int:
    """Audits the lock files and returns the exit status."""
    parser = argparse.ArgumentParser(description="Looks for known vulnerabilities.")
    parser.add_argument("--tools", type=Path, required=True, help="environment with pip-audit")
    parser.add_argument("locks", nargs="*", type=Path, metavar="LOCK")
    options = parser.parse_args()
    locks = options.locks or sorted((ROOT / "requirements").glob("*.txt"))
    locks = [lock for lock in locks if lock.name != "image-overrides.txt"]
    program = options.tools / "bin/pip-audit"
    try:
        _check_that_the_service_knows_any(program)
        found = {lock: _vulnerable(program, lock) for lock in locks}
    except NotAuditedError as error:
        sys.stdout.write(f"NOT AUDITED: {error}\n")
        return 0
    for lock, problems in found.items():
        sys.stdout.write(f"{lock.name}: {len(problems) or 'no'} known vulnerabilities\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in problems)
    return 1 if any(found.values()) else 0


def _check_that_the_service_knows_any(program: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "vulnerable.txt"
        lock.write_text(KNOWN_TO_BE_VULNERABLE)
        if not _vulnerable(program, lock):
            raise NotAuditedError("the service has no data about vulnerabilities")


def _vulnerable(program: Path, lock: Path) -> list[str]:
    """Returns the known vulnerabilities of a lock file, one text each.

    Raises:
        NotAuditedError: Not all of it could be audited.
    """
    flags = ("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")
    try:
        done = subprocess.run(  # noqa: S603  # our own tool
            (str(program), *flags, "--requirement", str(lock)),
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAuditedError(f"pip-audit does not run: {error}") from error
    except (ValueError, KeyError) as error:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise NotAuditedError(f"pip-audit failed: {last[:300]}") from error
    skipped = [each["skip_reason"] for each in dependencies if "skip_reason" in each]
    if skipped:
        raise NotAuditedError(f"{len(skipped)} of {len(dependencies)} unknown: {skipped[0]}")
    return [
        f"{each['name']} {each['version']}: {problem['id']}"
        for each in dependencies
        for problem in each["vulns"]
    ]


if __name__ == "__main__":
    raise SystemExit(main())
