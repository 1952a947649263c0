"""Images: out of buildah's store into the containerd of every node."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import state
from tests.cluster.nodes import NODES, STATE, Node
from tests.cluster.settings import PAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

LOAD_S = 300


def containerd(binaries: Path, node: Node, *arguments: str) -> list[str]:
    """Returns a command of containerd's client."""
    return [f"{binaries}/ctr", f"--address={node.socket}", "--namespace=k8s.io", *arguments]


def load_image(binaries: Path, image: str, name: str) -> None:
    """Takes an image out of buildah's store into the nodes', under a name."""
    archive = f"{STATE}/image.tar"
    state.run("buildah", "push", "--quiet", image, f"docker-archive:{archive}:{name}")
    for node in NODES:
        state.run(*containerd(binaries, node, "images", "import", archive), timeout_s=LOAD_S)
    Path(archive).unlink()


def load_pause_image(binaries: Path) -> None:
    """Builds and loads the image that holds a pod's network."""
    program = STATE / "pause"
    source = Path(__file__).parent / "pause.c"
    state.run("gcc", "-static", "-O2", "-o", str(program), str(source))
    with image_of(program, "/pause", PAUSE, entrypoint='["/pause"]') as image:
        load_image(binaries, image, PAUSE)


@contextmanager
def image_of(content: Path, place: str, name: str, *, entrypoint: str = "[]") -> Iterator[str]:
    """Yields an image with a file or with what a folder holds, which is there during the block."""
    container = state.run("buildah", "from", "scratch").strip()
    state.run("buildah", "add", "--quiet", container, str(content), place)
    state.run("buildah", "config", "--entrypoint", entrypoint, container)
    state.run("buildah", "commit", "--quiet", "--rm", container, name)
    try:
        yield name
    finally:
        state.run("buildah", "rmi", name)
