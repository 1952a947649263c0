"""The shape of the requests that a model accepts: roles, names of fields, further fields, headers."""

from __future__ import annotations

import enum
import json
import re

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-encoding"),
        *("content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""Headers that the router sets itself, or that belong to the connection."""
_OWN_FIELDS = frozenset(
    {
        *("model", "messages", "prompt", "inputs", "stream", "stream_options", "usage", "n"),
        *("max_tokens", "max_completion_tokens", "temperature", "truncate", "cache_prompt"),
        *("cache_salt", "continue_final_message", "add_generation_prompt"),
    }
)
"""Fields of a request's body that the router sets itself, or that would change the form of replies."""


class SystemRole(enum.StrEnum):
    """The role in which a model gets system texts, as pool files spell it."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    """OpenAI's newer name for it."""
    USER = "user"
    """At the start of the first user message."""
    NONE = "none"
    """They are left out, the router's own instructions too."""


class TokenLimitField(enum.StrEnum):
    """The field of a request that limits the tokens of the reply."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    NONE = "none"


class RequestShape(BaseModel):
    """The shape of a model's requests; fields that the file does not set are those of its family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_role: SystemRole = Field(
        default=SystemRole.SYSTEM, description="The role in which system texts are sent."
    )
    alternate_roles: bool = Field(
        default=True,
        description="Joins consecutive messages of one role, and lets the user speak first.",
    )
    token_limit_field: TokenLimitField = Field(
        default=TokenLimitField.MAX_TOKENS, description="The field that limits the reply's tokens."
    )
    fixed_temperature: bool = Field(
        default=False, description="The model refuses a temperature, so none is ever sent."
    )
    stream_options: bool = Field(
        default=True, description="Asks for the usage by `stream_options`."
    )
    extra_body: dict[str, JsonValue] = Field(
        default_factory=dict, max_length=64, description="Further fields of the request's body."
    )
    extra_headers: dict[str, str] = Field(
        default_factory=dict, max_length=32, description="Further headers. No place for secrets."
    )

    @field_validator("extra_body")
    @classmethod
    def _leaves_own_fields_alone(cls, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        own = sorted(_OWN_FIELDS & body.keys())
        if own:
            raise ValueError(f"may not name what the router sets itself: {', '.join(own)}")
        try:
            json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        except ValueError as error:
            raise ValueError(f"is no JSON: {error}") from error
        return body

    @field_validator("extra_headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        names = [name.lower() for name in headers]
        for name, value in headers.items():
            if _HEADER_NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name of a header")
            if name.lower() in _OWN_HEADERS or name.lower().startswith("proxy-"):
                raise ValueError(f"may not name {name}, which the router sets itself")
            if _HEADER_VALUE.fullmatch(value) is None:
                raise ValueError(f"the value of {name} may hold printable ASCII characters only")
        if len(set(names)) < len(names):
            raise ValueError("names a header twice")
        return headers
