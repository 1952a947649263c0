"""The pool of small real models, with a server of our own in the place of llama.cpp's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from routemoa.cli.failures import StackError
from services.local import real_pool
from services.local.real_pool import REAL_MODELS, serving
from services.local.real_pool import real_pool as running_pool
from services.router.pool.pool import Pool, load_pool

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if Handler.asked > 2 else 503)  # it loads its model first
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with a Python, and files in the place of the models."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    (tmp_path / "models").mkdir()
    for model in REAL_MODELS:
        (tmp_path / "models" / model.file).touch()
    return tmp_path


def serve_by(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    server = folder / "server.py"
    server.write_text(script)
    monkeypatch.setattr(real_pool, "SERVER", server)


async def test_the_pool_file_names_a_server_of_each_model_and_all_end_with_it(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_by(monkeypatch, environment, HEALTHY)
    async with running_pool(environment) as pool_file:
        pool = load_pool(pool_file)
        assert isinstance(pool, Pool)
        assert [model.id for model in pool.models] == [model.id for model in REAL_MODELS]
        assert len({url for model in pool.models for url in model.replicas.base_urls}) == 2
    assert not pool_file.exists()


async def test_all_servers_end_with_the_context(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_by(monkeypatch, environment, HEALTHY)
    async with serving(environment) as servers:
        assert not any(server.child.ended for server in servers)
    assert all(server.child.ended for server in servers)


async def test_without_the_models_the_command_that_installs_them_is_named(
    environment: Path,
) -> None:
    (environment / "models" / REAL_MODELS[1].file).unlink()
    with pytest.raises(StackError, match=f"{REAL_MODELS[1].file} is missing: `make models`"):
        async with serving(environment):
            pass


async def test_a_server_that_ends_is_shown_with_its_log(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_by(monkeypatch, environment, "raise SystemExit('no such model')")
    with pytest.raises(StackError, match=f"{REAL_MODELS[0].id} ended .*\n.*no such model"):
        async with serving(environment):
            pass
