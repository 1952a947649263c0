from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from scorer import ArtifactError, default_artifact_path, load_artifact
from scorer.runtime.artifact import ParityCheck, Tier, seal_artifact
from scorer.runtime.team_rule import TeamRule

if TYPE_CHECKING:
    from pathlib import Path


BASE = default_artifact_path().parent / "base"

GRAPH, ANOTHER_GRAPH = b"\x08\x01", b"\x08\x02"
"""Of nothing but a version of the format."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A well-formed artifact whose graph is a few bytes: nothing here runs it."""
    manifest = load_artifact(BASE).manifest
    (tmp_path / "model.onnx").write_bytes(GRAPH)
    (tmp_path / "tokenizer.json").write_text("{}")
    seal_artifact(tmp_path, manifest)
    return tmp_path


def problems_of(directory: Path) -> tuple[str, ...]:
    with pytest.raises(ArtifactError) as caught:
        load_artifact(directory)
    return caught.value.problems


def edit(directory: Path, **changes: Any) -> None:
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


def test_a_sealed_artifact_is_read_back_as_it_was_written(directory: Path) -> None:
    original = load_artifact(BASE).manifest
    copy = load_artifact(directory).manifest
    assert copy.model_ids == original.model_ids
    assert copy.data_sources == original.data_sources
    assert copy.parity == original.parity
    assert copy.metrics == original.metrics


def test_the_version_follows_the_content(directory: Path) -> None:
    before = load_artifact(directory).manifest
    (directory / "model.onnx").write_bytes(ANOTHER_GRAPH)
    after = seal_artifact(directory, before).manifest
    assert after.version != before.version
    assert after.version.startswith(f"{before.name}-int8-")
    again = seal_artifact(directory, before).manifest
    assert again.version == after.version


def test_a_manifest_without_a_team_rule_is_of_a_team_that_covers(directory: Path) -> None:
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    del document["team_rule"]
    path.write_text(json.dumps(document))
    assert load_artifact(directory).manifest.team_rule is TeamRule.COVERING


def test_another_team_rule_is_another_version(directory: Path) -> None:
    manifest = load_artifact(directory).manifest
    edit(directory, team_rule="best_scores")
    assert "its content says" in problems_of(directory)[0]
    other = dataclasses.replace(manifest, team_rule=TeamRule.BEST_SCORES)
    assert seal_artifact(directory, other).manifest.version != manifest.version
    edit(directory, team_rule="loudest")
    assert problems_of(directory)[0] == ("team_rule is 'loudest'; known: covering, best_scores")


def test_a_directory_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == ("manifest.json is missing",)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"", b"[" * 99_999, b"9" * 9_999])
def test_a_manifest_that_is_not_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("manifest.json is not JSON")


@pytest.mark.parametrize("content", ["[]", "3", "null"])
def test_a_manifest_that_is_not_an_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    assert "the document must be an object" in problems_of(tmp_path)[0]


def test_a_newer_format_is_refused_before_its_fields_are_read(directory: Path) -> None:
    edit(directory, format_version=3, model_ids="changed")
    assert problems_of(directory) == (
        "format_version is 3; this version reads 2: upgrade to use it",
    )


def test_an_older_format_is_refused_with_what_to_do(directory: Path) -> None:
    edit(directory, format_version=1, embedding_width=384)
    assert problems_of(directory) == (
        "format_version is 1 and 2 is needed: it was made by an older version; export it again",
    )


def test_an_edge_artifact_needs_no_tokenizer_and_must_have_none(directory: Path) -> None:
    manifest = dataclasses.replace(load_artifact(directory).manifest, tier=Tier.EDGE)
    (directory / "tokenizer.json").unlink()
    sealed = seal_artifact(directory, dataclasses.replace(manifest, encoder_name=""))
    assert sealed.manifest.files.keys() == {"model.onnx"}
    edit(directory, files={**sealed.manifest.files, "tokenizer.json": "0"})
    assert "files: tokenizer.json is not a file of an artifact" in problems_of(directory)


def external(location: str) -> bytes:
    """Returns a graph with a tensor whose values are in another file."""
    name = location.encode()
    entry = b"\x0a\x08location\x12" + bytes([len(name)]) + name
    tensor = b"\x6a" + bytes([len(entry)]) + entry + b"\x70\x01"
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    return b"\x3a" + bytes([len(graph)]) + graph


def test_weights_beside_the_graph_are_hashed_like_the_graph(directory: Path) -> None:
    before = load_artifact(directory).manifest
    (directory / "model.onnx").write_bytes(external("weights.bin"))
    weights = directory / "weights.bin"
    weights.write_bytes(b"1")
    sealed = seal_artifact(directory, before).manifest
    assert sealed.files.keys() == {"model.onnx", "tokenizer.json", "weights.bin"}
    weights.write_bytes(b"2")
    assert problems_of(directory) == ("weights.bin does not have the sha256 of the manifest",)
    assert seal_artifact(directory, before).manifest.version != sealed.version
    weights.unlink()
    assert problems_of(directory) == ("weights.bin is missing",)
    weights.write_bytes(b"1")
    edit(directory, files=before.files | {"model.onnx": sealed.files["model.onnx"]})
    assert "files: has no hash of weights.bin" in problems_of(directory)


def test_weights_elsewhere_are_refused_whatever_the_manifest_says(directory: Path) -> None:
    before = load_artifact(directory).manifest
    (directory.parent / "weights.bin").write_bytes(b"1")
    (directory / "model.onnx").write_bytes(external("../weights.bin"))
    with pytest.raises(ArtifactError, match="which is no file beside it"):
        seal_artifact(directory, before)
    assert "which is no file beside it" in problems_of(directory)[0]


def test_all_problems_are_reported_at_once(directory: Path) -> None:
    edit(
        directory,
        name="",
        model_ids=["a", "b", "a", "", 3],
        max_tokens=True,
        ngram_buckets=1,
        tier="middle",
        skills=[{"name": "", "class_count": 0}],
        precision="int3",
        metrics={"loss": "low"},
        parity=[{"name": "x", "value": "y"}],
        data_sources=[3],
    )
    (directory / "tokenizer.json").unlink()
    (directory / "model.onnx").write_bytes(ANOTHER_GRAPH)
    found = problems_of(directory)
    for expected in (
        "name must not be empty",
        "model_ids must hold only texts that are not empty",
        "model_ids names 'a' 2 times",
        "max_tokens must be a whole number, is true or false",
        "ngram_buckets must be at least 2, is 1",
        "tier is 'middle'; known: base, edge",
        "skills[0].name must not be empty",
        "skills[0].class_count must be at least 1, is 0",
        "precision is 'int3'; known: fp32, fp16, int8",
        "metrics.loss must be a number, is a text",
        "parity[0].value must be a number, is a text",
        "data_sources[0] must be an object, is a number",
        "tokenizer.json is missing",
        "model.onnx does not have the sha256 of the manifest",
    ):
        assert expected in found


def test_a_missing_field_is_named(directory: Path) -> None:
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    del document["skills"], document["model_ids"]
    path.write_text(json.dumps(document))
    assert set(problems_of(directory)) == {"skills is missing", "model_ids is missing"}


def test_rows_that_were_renamed_by_hand_do_not_keep_their_version(directory: Path) -> None:
    edit(directory, model_ids=["someone", "else"])
    (problem,) = problems_of(directory)
    assert problem.startswith("version is ")


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (ParityCheck(name="x", value=0.5), True),
        (ParityCheck(name="x", value=0.5, maximum=0.5), True),
        (ParityCheck(name="x", value=0.5, maximum=0.4), False),
        (ParityCheck(name="x", value=0.5, minimum=0.6), False),
        (ParityCheck(name="x", value=float("nan"), maximum=0.4), False),
    ],
)
def test_a_gate_holds_only_within_its_limits(check: ParityCheck, *, passed: bool) -> None:
    assert check.passed is passed
