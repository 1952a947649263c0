"""Checks rendered objects: `helm template ... | python validate.py CRDS 1.36.0 ...`.

Kubernetes' own kinds are checked strictly against the schemas of every version named, custom resources
against the definitions in the folder CRDS. Prints a problem per line; the exit status is 1 if there are
any. It runs in the environment of requirements/chart.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it publishes none
import kubernetes_validate  # type: ignore[import-not-found]  # not in the project's environment
import yaml


def main() -> int:
    """Checks standard input; returns the exit status."""
    folder, *versions = sys.argv[1:]
    definitions = _definitions(Path(folder))
    objects = [item for item in yaml.safe_load_all(sys.stdin) if item is not None]
    problems = [problem for item in objects for problem in _problems(item, definitions, versions)]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


def _definitions(folder: Path) -> dict[tuple[str, str], Any]:
    found = {}
    for path in folder.glob("*.yaml"):
        for definition in yaml.safe_load_all(path.read_text()):
            if not definition or definition.get("kind") != "CustomResourceDefinition":
                continue
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = _closed(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                api = f"{spec['group']}/{version['name']}"
                found[api, spec["names"]["kind"]] = schema
    return found


def _closed(schema: Any) -> Any:
    """Forbids fields that a definition does not name, which the API server would drop in silence."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
    is_schema = schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
    if is_schema and "additionalProperties" not in schema and not open_ended:
        closed["additionalProperties"] = False
    return closed


def _problems(item: Any, definitions: dict[tuple[str, str], Any], versions: list[str]) -> list[str]:
    name = f"{item['kind']} {item['metadata']['name']}"
    schema = definitions.get((item["apiVersion"], item["kind"]))
    if schema is not None:
        found = jsonschema.Draft202012Validator(schema).iter_errors(item)
        return [f"{name}: {error.json_path}: {error.message}" for error in found]
    problems = []
    for version in versions:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{version}: {name}: {list(error.path)}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            problems.append(f"{version}: {name}: no schema of {item['apiVersion']}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
