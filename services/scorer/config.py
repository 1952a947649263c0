"""The settings of the scorer service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from scorer import Provider, default_artifact_path
from services.rpc.config import ListenAddress, ServiceConfig
from services.scorer.batching.batch_limits import BatchLimits


class ScorerServiceConfig(ServiceConfig):
    """The settings of the scorer, besides those of every service."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_SCORER_")

    listen_address: ListenAddress = "127.0.0.1:50051"
    artifact: Path = Field(
        default_factory=default_artifact_path,
        description="Directory of the default artifact. Absent: the shipped one.",
    )
    artifacts: dict[str, Path] = Field(
        default_factory=dict,
        description="More artifacts, by the names that requests use, as a JSON object of "
        "directories.",
    )
    shadow_artifact: str | None = Field(
        default=None,
        description="Name of the artifact, one of `artifacts`, that also scores the queries of the "
        "default one. Its results go to metrics only.",
    )
    artifact_reload_interval_s: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="Time between checks of the artifacts for changes. A changed artifact is "
        "reloaded without a failed call; an invalid one is rejected, logged and "
        "counted.",
    )
    allow_fewer_models: bool = Field(
        default=False,
        description="Whether a changed artifact may lack models that are served now.",
    )
    cache_queries: int = Field(
        default=10_000,
        ge=0,
        description="Most queries whose scores are cached, per artifact; about 1 KB each. 0: no "
        "cache.",
    )
    provider: Provider = Field(
        default=Provider.CPU,
        description="ONNX Runtime's execution provider: cpu, cuda, tensorrt or openvino, if the "
        "installed onnxruntime has it.",
    )
    provider_options: dict[str, str] = Field(
        default_factory=dict,
        description="Options of the provider, by ONNX Runtime's names, as a JSON object. If "
        "enable_cuda_graph (or trt_cuda_graph_enable) is 1, batches are padded to "
        "powers of two, and each shape is recorded once.",
    )
    allow_provider_fallback: bool = Field(
        default=False,
        description="Whether the CPU is used if the provider is not available. Otherwise the "
        "service does not start.",
    )
    precision: Literal["int8", "fp32"] | None = Field(
        default=None,
        description="Precision of artifacts that can run in both. Absent: measured when an artifact "
        "is opened; the faster one whose scores agree with fp32.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that share the port. One that exits is restarted. More than one "
        "helps if the artifact is so fast that Python is the bottleneck, as in the "
        "edge tier.",
    )
    intra_op_threads: int = Field(
        default=0,
        ge=0,
        description="Threads that run one batch. 0: one per physical core, or per core of the "
        "container's CPU limit.",
    )
    intra_op_affinities: str = Field(
        default="",
        pattern=r"^([1-9]\d*([,-][1-9]\d*)*(;[1-9]\d*([,-][1-9]\d*)*)*)?$",
        description="Processors of each of these threads but the first, counted from 1, as 3,4 or "
        "3-4, separated by semicolons. Empty: the kernel chooses.",
    )
    max_batch_tokens: int = Field(
        default=1024,
        ge=1,
        description="Most tokens of a batch, padding included. Only a GPU gains from more.",
    )
    max_length_ratio: float = Field(
        default=1.25,
        ge=1,
        allow_inf_nan=False,
        description="Largest ratio of the longest query of a batch to the shortest, in tokens. On "
        "a CPU, more padding costs more than another batch; on a GPU, 2 or more is "
        "better.",
    )
    max_batch_requests: int = Field(default=32, ge=1, description="Most queries of a batch.")
    max_queue_requests: int = Field(
        default=1024,
        ge=1,
        description="Most queries in the queue. Further ones are refused at once.",
    )
    max_queue_wait_s: float = Field(
        default=0.5,
        gt=0,
        allow_inf_nan=False,
        description="Longest expected wait in the queue. A query with a longer one, or with one "
        "beyond the caller's deadline, is refused at once. After twice this wait, a "
        "queued query is refused too.",
    )
    max_batch_call_requests: int = Field(
        default=64, ge=1, description="Most requests of one BatchRankModels call."
    )
    stream_window_requests: int = Field(
        default=64,
        ge=1,
        description="Requests of one stream that are in progress together. Two full batches keep "
        "the hardware busy; more would only delay other callers.",
    )

    @model_validator(mode="after")
    def _queue_holds_a_batch_call(self) -> Self:
        if self.max_batch_call_requests > self.max_queue_requests:
            raise ValueError("max_batch_call_requests must not be above max_queue_requests")
        return self

    @model_validator(mode="after")
    def _artifacts_have_names(self) -> Self:
        if "" in self.artifacts:
            raise ValueError("artifacts must have names; `artifact` is the one without a name")
        if self.shadow_artifact is not None and self.shadow_artifact not in self.artifacts:
            raise ValueError("shadow_artifact must be a name in artifacts")
        return self

    @model_validator(mode="after")
    def _hardware_is_whole(self) -> Self:
        if self.provider_options and self.provider is Provider.CPU:
            raise ValueError("provider_options must be empty for cpu: cpu has none")
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
        """The limits of the batcher."""
        return BatchLimits(
            max_tokens=self.max_batch_tokens,
            max_length_ratio=self.max_length_ratio,
            max_requests=self.max_batch_requests,
            max_queue_requests=self.max_queue_requests,
            max_wait_s=self.max_queue_wait_s,
        )
