"""The settings of the scorer service."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from scorer import Provider, default_artifact_path
from services.rpc.config import ListenAddress, ServiceConfig
from services.scorer.batching.batcher import BatchLimits


class ScorerServiceConfig(ServiceConfig):
    """What the scorer reads from the environment, besides what every service reads."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_SCORER_")

    listen_address: ListenAddress = "127.0.0.1:50051"
    artifact: Path = Field(
        default_factory=default_artifact_path,
        description="Directory of the artifact. Absent: the one that is shipped.",
    )
    artifacts: dict[str, Path] = Field(
        default_factory=dict,
        description="More artifacts, by the names that requests ask for them with, as a JSON object "
        "of directories.",
    )
    shadow_artifact: str | None = Field(
        default=None,
        description="One of those names: its artifact scores the default one's queries on the side, "
        "and metrics say where the two agree.",
    )
    artifact_reload_interval_s: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="How often artifacts are looked at. A new one takes its place with no failed "
        "call; a bad one is refused, logged and counted.",
    )
    allow_fewer_models: bool = Field(
        default=False,
        description="Whether a new artifact may lack models that are served now.",
    )
    cache_queries: int = Field(
        default=10_000,
        ge=0,
        description="Queries whose scores are remembered, per artifact; about 1 KB each. 0 turns "
        "the memory off.",
    )
    provider: Provider = Field(
        default=Provider.CPU,
        description="ONNX Runtime's execution provider: cpu, cuda, tensorrt or openvino, where the "
        "onnxruntime that is installed has it.",
    )
    provider_options: dict[str, str] = Field(
        default_factory=dict,
        description="Options of that provider, by ONNX Runtime's names, as a JSON object. With "
        "enable_cuda_graph (or trt_cuda_graph_enable) at 1, batches are rounded up to powers of two, "
        "and each shape is recorded once.",
    )
    allow_provider_fallback: bool = Field(
        default=False,
        description="Whether the CPU will do where the provider is not to be had. "
        "Otherwise the service does not start.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that serve the port together. One that ends is replaced. More than one "
        "helps where the artifact is so fast that Python is the bottleneck, as the edge tier is.",
    )
    intra_op_threads: int = Field(
        default=0,
        ge=0,
        description="Threads that run one batch. 0 is one per physical core, or per core of the "
        "container's share.",
    )
    intra_op_affinities: str = Field(
        default="",
        pattern=r"^([1-9]\d*([,-][1-9]\d*)*(;[1-9]\d*([,-][1-9]\d*)*)*)?$",
        description="Processors of all those threads but the first, counted from 1: a thread's as 3,4 "
        "or 3-4, threads apart by semicolons. Empty: the kernel's choice.",
    )
    max_batch_tokens: int = Field(
        default=1024,
        ge=1,
        description="Most tokens of a batch, padding included. A CPU gains nothing from more; a GPU "
        "does.",
    )
    max_length_ratio: float = Field(
        default=1.25,
        ge=1,
        allow_inf_nan=False,
        description="The longest query of a batch may have so many times the tokens of the shortest. "
        "On a CPU, padding costs more than another batch; on a GPU, 2 or more is better.",
    )
    max_batch_requests: int = Field(default=32, ge=1, description="Most queries of a batch.")
    max_queue_requests: int = Field(
        default=1024, ge=1, description="Queries waiting above which new ones are refused at once."
    )
    max_queue_wait_s: float = Field(
        default=0.5,
        gt=0,
        allow_inf_nan=False,
        description="Expected wait above which new queries are refused at once. Callers with less time "
        "than that are refused above the time they have. What waits twice as long is given up.",
    )
    max_batch_call_requests: int = Field(
        default=64, ge=1, description="Most requests of one BatchRankModels call."
    )
    stream_window_requests: int = Field(
        default=64,
        ge=1,
        description="Requests of one stream that are worked on together. Two full batches keep the "
        "hardware busy; more would only make other callers wait behind the stream.",
    )

    @model_validator(mode="after")
    def _queue_holds_a_batch_call(self) -> Self:
        if self.max_batch_call_requests > self.max_queue_requests:
            raise ValueError("max_batch_call_requests must not be above max_queue_requests")
        return self

    @model_validator(mode="after")
    def _artifacts_have_names(self) -> Self:
        if "" in self.artifacts:
            raise ValueError("artifacts must have names; artifact is the one without")
        if self.shadow_artifact is not None and self.shadow_artifact not in self.artifacts:
            raise ValueError("shadow_artifact must be one of the names in artifacts")
        return self

    @model_validator(mode="after")
    def _hardware_is_whole(self) -> Self:
        if self.provider_options and self.provider is Provider.CPU:
            raise ValueError("provider_options need a provider; cpu has none")
        threads = 1 + len(self.intra_op_affinities.split(";"))
        if self.intra_op_affinities and self.intra_op_threads != threads:
            raise ValueError(
                f"intra_op_affinities have {threads - 1} threads, so intra_op_threads must be {threads}"
            )
        return self

    @property
    def artifact_paths(self) -> dict[str, Path]:
        """Every artifact's directory by name; the default one's name is empty."""
        return {"": self.artifact, **self.artifacts}

    @property
    def batch_limits(self) -> BatchLimits:
        """The limits as the batcher takes them."""
        return BatchLimits(
            max_tokens=self.max_batch_tokens,
            max_length_ratio=self.max_length_ratio,
            max_requests=self.max_batch_requests,
            max_queue_requests=self.max_queue_requests,
            max_wait_s=self.max_queue_wait_s,
        )
