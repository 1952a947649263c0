"""The bases of the images are named by digest, and can be pinned anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
BASES = re.compile(r"^ARG ([A-Z]+_IMAGE)=(\S+)$", re.MULTILINE)
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def pin(dockerfile: Path, said: str) -> subprocess.CompletedProcess[str]:
    """Pins with a registry that gives one digest of every image."""
    crane = dockerfile.parent / "crane"
    crane.write_text(f'#!/bin/sh\necho "$2" >> {dockerfile.parent}/asked\necho "{said}"\n')
    crane.chmod(0o755)
    return subprocess.run(  # noqa: S603  # our own script
        [str(ROOT / "scripts/pin_images.sh"), str(dockerfile)],
        env={"PATH": f"{dockerfile.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_base_is_named_by_digest() -> None:
    bases = dict(BASES.findall(DOCKERFILE.read_text()))
    assert set(bases) == {"PYTHON_IMAGE", "BUILD_IMAGE", "CUDA_IMAGE"}
    assert all(re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", base) for base in bases.values())
    assert bases["PYTHON_IMAGE"] == bases["BUILD_IMAGE"]
    stages = set(re.findall(r" AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE))
    sources = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert {source.strip("${}") for source in sources} - stages == set(bases)


def test_bases_are_pinned_to_what_their_tags_mean_now(tmp_path: Path) -> None:
    dockerfile = Path(shutil.copy(DOCKERFILE, tmp_path))
    done = pin(dockerfile, NEW)
    assert done.returncode == 0, done.stderr
    before, after = (dict(BASES.findall(path.read_text())) for path in (DOCKERFILE, dockerfile))
    assert {name: base.partition("@")[0] + f"@{NEW}" for name, base in before.items()} == after
    asked = (tmp_path / "asked").read_text().split()
    assert sorted(asked) == sorted({base.partition("@")[0] for base in before.values()})


def test_a_base_without_a_digest_is_pinned_too_and_an_odd_answer_changes_nothing(
    tmp_path: Path,
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    text = f"ARG A_IMAGE=a:1\nARG B_IMAGE=b/c:2@{OLD}\nFROM ${{A_IMAGE}}\n"
    dockerfile.write_text(text)
    assert pin(dockerfile, "no such image").returncode == 1
    assert dockerfile.read_text() == text
    assert pin(dockerfile, NEW).returncode == 0
    assert dockerfile.read_text() == (
        f"ARG A_IMAGE=a:1@{NEW}\nARG B_IMAGE=b/c:2@{NEW}\nFROM ${{A_IMAGE}}\n"
    )
