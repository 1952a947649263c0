from __future__ import annotations

from pathlib import Path

import pytest

from services.examination.questions.checkers import sandbox
from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.program_answer import ProgramAnswer
from services.examination.questions.checkers.sandbox import SandboxError, call_in_sandbox


def run(body: str) -> object:
    """Returns what a function with this body returns."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return call_in_sandbox(f"def answer(values):\n{lines}", "answer", [([1, 2],)])[0]


def test_a_function_is_called() -> None:
    assert run("return [value + 1 for value in values]") == [2, 3]
    assert run("import re, math, collections, copy\nreturn math.gcd(4, 6)") == 2


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "return 10 ** 10 ** 9",
        "return [0] * 10 ** 10",
        "text = 'x'\nwhile True: text += text",
        "return answer(values)",
        "raise SystemExit",
        "import os\nos._exit(0)",
        "import os\nos.kill(os.getppid(), 9)",
        "import os\nwhile True: os.fork()",
        "import os\nos.system('true')",
        "import subprocess\nsubprocess.run(['true'])",
        "import threading\nthreading.Thread(target=print).start()",
        "import socket\nsocket.socket()",
        "open('/etc/passwd').read()",
        "import os\nos.remove('/tmp/x')",
        "import ctypes",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))",
        "return 'x' * 10 ** 6",
        "import os\nos.write(1, b'x' * 10 ** 6)",
        "return object()",
    ],
)
def test_a_program_that_goes_beyond_its_limits_is_ended(body: str) -> None:
    with pytest.raises(SandboxError):
        run(body)


def test_a_sleeping_program_is_ended_with_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_SECONDS", 1.0)
    with pytest.raises(SandboxError, match="too long"):
        run("import time\ntime.sleep(1000)")


def test_limits_hold_without_the_hook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Native code could get around the hook, so the kernel has to refuse these as well."""
    unhooked = sandbox._CHILD.replace("    sys.addaudithook(refuse)\n", "")
    assert unhooked != sandbox._CHILD
    monkeypatch.setattr(sandbox, "_CHILD", unhooked)
    target = tmp_path / "written"
    tmp_path.chmod(0o777)
    for body in (
        "import os\nos.fork()",
        "import socket\nsocket.socket()",
        f"open({str(target)!r}, 'w').write('x' * 10 ** 6)",
        "open('written', 'w')",
        "import subprocess\nsubprocess.run(['true'])",
    ):
        with pytest.raises(SandboxError):
            run(body)
    assert not target.exists()


def test_no_descriptor_and_no_folder_is_left_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for body in ("return 1", "return 2"):
        run(body)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_program_that_prints_its_own_result_is_not_believed() -> None:
    checker = ProgramAnswer("f", (([1],),), (41,))
    flood = "def f(values):\n    print([41])\n    return 40"
    assert checker.check(Reply(f"```python\n{flood}\n```")).score == 0
    assert checker.check(Reply(f"```\n{flood.replace('40', '41')}\n```")).score == 1
    assert checker.check(Reply(flood.replace("40", "41"))).score == 1


def test_the_reason_tells_what_failed() -> None:
    checker = ProgramAnswer("f", (([1],), ([2],)), (1, 3))
    reasons = [
        checker.check(Reply(text)).reason
        for text in (
            "def f(values): return values[0]",
            "def f(values): return values[9]",
            "def g(values): return 1",
            "def f(values) return 1",
        )
    ]
    assert reasons == [
        "passes 1 of 2 tests",
        "the program failed: IndexError",
        "no function f",
        "the program failed: SyntaxError",
    ]
