"""Writes a software bill of materials for each image and each package: CycloneDX, JSON.

lock file -> cyclonedx-py -> the name of the image, and the scorer's artifact -> FOLDER/NAME.cdx.json,
checked by the schema of CycloneDX

`python scripts/sbom.py --tools .venv-supply FOLDER [NAME ...]` writes those of the names, or all. A
package whose toolchain is missing is left out, and named. The bill of an image is that of what is put
into its base; the base has its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "image-evaluation": "serve",
    "image-gateway": "gateway",
    "image-judge": "judge",
    "image-router": "router",
    "image-scorer": "scorer",
    "image-scorer-gpu": "scorer-gpu",
    "image-simulator": "router",
    "package-python": "serve",
}
"""The lock file of each bill that is made of one."""
WITH_ARTIFACT = {"image-scorer": ("default",), "image-scorer-gpu": ("default",)} | {
    "image-evaluation": ("default", "base"),
    "package-python": ("default", "base"),
}
TOOLCHAINS = {"package-go": "go", "package-typescript": "npm", "package-java": "mvn"}
"""The program that makes the bill of each other client."""
GO_TOOL = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"
MAVEN_TOOL = "org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeBom"
_VALIDATE = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    problem = JsonStrictValidator(version).validate_str(text)
    if problem is not None:
        sys.exit(f"{path}: {problem}")
"""

Bom = dict[str, Any]


def main() -> None:
    """Writes the bills."""
    parser = argparse.ArgumentParser(description="Writes software bills of materials.")
    parser.add_argument("--tools", type=Path, required=True, help="environment with cyclonedx-py")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*LOCKS, *TOOLCHAINS)))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in options.names or (*LOCKS, *TOOLCHAINS):
        if name in TOOLCHAINS and shutil.which(TOOLCHAINS[name]) is None:
            sys.stderr.write(f"left out: {name}, since there is no {TOOLCHAINS[name]} here\n")
            continue
        bom = of_lock(name, options.tools) if name in LOCKS else of_client(name)
        path = options.folder / f"{name}.cdx.json"
        path.write_text(json.dumps(bom, indent=2) + "\n", encoding="utf-8")
        written.append(path)
        sys.stdout.write(f"{path}: {len(bom['components'])} components\n")
    problem = problem_of(written, options.tools)
    if problem:
        raise SystemExit(problem)


def problem_of(bills: Sequence[Path], tools: Path) -> str:
    """Returns the first problem of some bills by the schema of CycloneDX; empty if there is none."""
    done = subprocess.run(  # noqa: S603  # our own text
        [str(tools / "bin/python"), "-c", _VALIDATE, *map(str, bills)],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    return done.stderr if done.returncode else ""


def of_lock(name: str, tools: Path) -> Bom:
    """Returns the bill of an image, or of the Python package: of its lock file and artifacts."""
    bom: Bom = json.loads(
        _output(
            str(tools / "bin/cyclonedx-py"),
            *("requirements", "--output-reproducible", "--short-PURLs", "--no-validate"),
            str(ROOT / f"requirements/{LOCKS[name]}.txt"),
        )
    )
    for component in bom["components"]:
        del component["description"]  # the lines of the lock file
    bom["components"] += [artifact_component(each) for each in WITH_ARTIFACT.get(name, ())]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    kind, _, short = name.partition("-")
    bom["metadata"]["component"] = {
        "bom-ref": name,
        "type": "container" if kind == "image" else "library",
        "name": f"routemoa-{short}" if kind == "image" else "routemoa",
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    references = [component["bom-ref"] for component in bom["components"]]
    bom["dependencies"] = [
        {"ref": name, "dependsOn": references},
        *({"ref": reference} for reference in references),
    ]
    return bom


def artifact_component(directory: str) -> Bom:
    """Returns the component of a shipped artifact: its files, and the data that it learned from."""
    path = ROOT / "scorer/artifacts" / directory
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    files = [
        {
            "bom-ref": f"{manifest['version']}/{name}",
            "type": "file",
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for name, digest in sorted(manifest["files"].items())
    ]
    datasets = [
        {
            "type": "dataset",
            "name": source["name"],
            "contents": {"url": source["url"]},
            "description": f"Licence: {source['licence']}. Rows: {source['train_rows']}.",
        }
        for source in manifest["data_sources"]
    ]
    return {
        "bom-ref": manifest["version"],
        "type": "machine-learning-model",
        "name": manifest["name"],
        "version": manifest["version"],
        "description": f"Learned from {manifest['encoder_name']}: {manifest['encoder_licence']}.",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "components": files,
        "modelCard": {"modelParameters": {"datasets": datasets}},
    }


def of_client(name: str) -> Bom:
    """Returns the bill of a client by its own toolchain."""
    folder = ROOT / "clients" / name.removeprefix("package-")
    if name == "package-go":
        text = _output("go", "run", GO_TOOL, "mod", "-json", "-noserial", folder=folder)
    elif name == "package-typescript":
        lock_only = ("--package-lock-only", "--omit", "dev")
        text = _output("npm", "sbom", "--sbom-format", "cyclonedx", *lock_only, folder=folder)
    else:
        with tempfile.TemporaryDirectory() as build:
            flags = ("-DoutputFormat=json", f"-DoutputDirectory={build}", "-DoutputName=bom")
            _output("mvn", "-q", "-B", MAVEN_TOOL, *flags, folder=folder)
            text = (Path(build) / "bom.json").read_text(encoding="utf-8")
    bom: Bom = json.loads(text)
    bom.setdefault("components", [])
    return bom


def _output(*command: str, folder: Path = ROOT) -> str:
    return subprocess.run(  # noqa: S603  # our own tools
        command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
