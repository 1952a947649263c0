"""Release months and sizes of families of models, which names alone do not give.

Months and parameter counts are those of the makers' announcements and model cards. Makers do not
publish the sizes of models behind APIs: those have a class.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SizeClass(enum.Enum):
    """A class of sizes, as makers name them; the value stands for billions of parameters."""

    NANO = 10.0
    SMALL = 30.0
    MEDIUM = 120.0
    LARGE = 350.0


class Release(NamedTuple):
    """A family of models, or one model of it."""

    words: str
    """The words and versions that its name has, as `read_model_name` returns them."""
    month: str
    """The month of its release, as YYYY-MM."""
    size_b: float | None = None
    """Billions of parameters, if names do not give them."""
    active_b: float | None = None
    """Billions of parameters that a token uses, if they are not all of them."""
    size_class: SizeClass | None = None
    """The class, if names do not tell it and the size is not published."""

    @property
    def family(self) -> str:
        """The first word."""
        return self.words.split()[0]

    @property
    def names(self) -> frozenset[str]:
        """The words that are no version."""
        return frozenset(word for word in self.words.split() if not _is_version(word))

    @property
    def version_word(self) -> str:
        """The version; empty if the release has none."""
        return next((word for word in self.words.split() if _is_version(word)), "")

    @property
    def version(self) -> float | None:
        """The version as a number; None if the release has none."""
        return float(self.version_word) if self.version_word else None


NANO, SMALL, MEDIUM, LARGE = SizeClass

RELEASES: Sequence[Release] = (
    Release("gpt 3.5", "2023-03", size_class=SMALL),
    Release("gpt 3.5 instruct", "2023-09", size_class=SMALL),
    Release("gpt 4", "2023-03", size_class=LARGE),
    Release("gpt 4 preview", "2023-11", size_class=LARGE),
    Release("gpt 4 turbo", "2024-04", size_class=LARGE),
    Release("gpt 4o", "2024-05", size_class=MEDIUM),
    Release("gpt 4o mini", "2024-07"),
    Release("chatgpt 4o", "2025-01", size_class=MEDIUM),
    Release("gpt 4.1", "2025-04", size_class=MEDIUM),
    Release("gpt 4.5", "2025-02", size_class=LARGE),
    Release("gpt 5", "2025-08", size_class=MEDIUM),
    Release("gpt 5.1", "2025-11", size_class=MEDIUM),
    Release("gpt oss", "2025-08"),
    Release("o1", "2024-12", size_class=MEDIUM),
    Release("o1 preview", "2024-09", size_class=MEDIUM),
    Release("o1 mini", "2024-09"),
    Release("o3", "2025-04", size_class=MEDIUM),
    Release("o3 mini", "2025-01"),
    Release("o4 mini", "2025-04"),
    Release("claude", "2023-03", size_class=MEDIUM),
    Release("claude instant", "2023-08", size_class=SMALL),
    Release("claude 2", "2023-07", size_class=MEDIUM),
    Release("claude 2.1", "2023-11", size_class=MEDIUM),
    Release("claude 3", "2024-03"),
    Release("claude 3.5 sonnet", "2024-06"),
    Release("claude 3.5 haiku", "2024-10"),
    Release("claude 3.7 sonnet", "2025-02"),
    Release("claude sonnet 4", "2025-05"),
    Release("claude opus 4", "2025-05"),
    Release("claude opus 4.1", "2025-08"),
    Release("claude sonnet 4.5", "2025-09"),
    Release("claude haiku 4.5", "2025-10"),
    Release("claude opus 4.5", "2025-11"),
    Release("gemini", "2023-12", size_class=MEDIUM),
    Release("gemini 1.5", "2024-05"),
    Release("gemini 2", "2025-02"),
    Release("gemini 2.5", "2025-06"),
    Release("gemini 3", "2025-11"),
    Release("gemma", "2024-02"),
    Release("gemma 1.1", "2024-04"),
    Release("codegemma", "2024-04"),
    Release("gemma 2", "2024-06"),
    Release("gemma 3", "2025-03"),
    Release("gemma 3n", "2025-06"),
    Release("llama", "2023-02"),
    Release("vicuna", "2023-03"),
    Release("vicuna 1.5", "2023-07"),
    Release("alpaca", "2023-03"),
    Release("guanaco", "2023-05"),
    Release("wizardlm", "2023-05"),
    Release("wizardlm 1.2", "2023-07"),
    Release("wizardlm 2", "2024-04"),
    Release("tulu 2", "2023-11"),
    Release("llama 2", "2023-07"),
    Release("codellama", "2023-08"),
    Release("code llama", "2023-08"),
    Release("llama 3", "2024-04"),
    Release("llama 3.1", "2024-07"),
    Release("llama 3.2", "2024-09"),
    Release("llama 3.3", "2024-12"),
    Release("llama 4 scout", "2025-04", 109, 17),
    Release("llama 4 maverick", "2025-04", 400, 17),
    Release("nemotron super", "2025-03", 49),
    Release("nemotron 4", "2024-06", 340),
    Release("athene", "2024-07", 70),
    Release("athene 2", "2024-11", 72),
    Release("mistral", "2023-09"),
    Release("mistral 0.2", "2023-12"),
    Release("mistral 0.3", "2024-05"),
    Release("mistral small", "2024-09", 22),
    Release("mistral small 3", "2025-01", 24),
    Release("mistral small 3.1", "2025-03", 24),
    Release("mistral small 3.2", "2025-06", 24),
    Release("mistral medium", "2023-12", size_class=MEDIUM),
    Release("mistral medium 3", "2025-05", size_class=MEDIUM),
    Release("mistral large", "2024-02", size_class=MEDIUM),
    Release("mistral large 2", "2024-07", 123),
    Release("mistral large 3", "2025-12", 675, 41),
    Release("mistral nemo", "2024-07", 12),
    Release("ministral", "2024-10"),
    Release("mixtral", "2023-12"),
    Release("codestral", "2024-05", 22),
    Release("mathstral", "2024-07", 7),
    Release("pixtral", "2024-09", 12),
    Release("pixtral large", "2024-11", 124),
    Release("magistral small", "2025-06", 24),
    Release("magistral medium", "2025-06", size_class=MEDIUM),
    Release("devstral", "2025-05", 24),
    Release("zephyr", "2023-10"),
    Release("openhermes 2.5", "2023-11"),
    Release("qwen", "2023-09"),
    Release("qwen 1.5", "2024-02"),
    Release("qwen 2", "2024-06"),
    Release("qwen 2.5", "2024-09"),
    Release("qwen 2.5 max", "2025-01", size_class=LARGE),
    Release("qwen 3", "2025-04"),
    Release("qwen 3 max", "2025-09", size_class=LARGE),
    Release("qwen turbo", "2024-11", size_class=NANO),
    Release("qwen plus", "2024-11", size_class=SMALL),
    Release("qwen max", "2025-01", size_class=LARGE),
    Release("qwq", "2024-11", 32),
    Release("qvq", "2024-12", 72),
    Release("deepseek", "2023-11"),
    Release("deepseek coder", "2023-11"),
    Release("deepseek coder 2", "2024-06", 236, 21),
    Release("deepseek 2", "2024-05", 236, 21),
    Release("deepseek 2.5", "2024-09", 236, 21),
    Release("deepseek 3", "2024-12", 671, 37),
    Release("deepseek 3.1", "2025-08", 671, 37),
    Release("deepseek 3.2", "2025-09", 671, 37),
    Release("deepseek r1", "2025-01", 671, 37),
    Release("deepseek r1 distill", "2025-01"),
    Release("phi 1.5", "2023-09", 1.3),
    Release("phi 2", "2023-12", 2.7),
    Release("phi 3 mini", "2024-04", 3.8),
    Release("phi 3 small", "2024-05", 7),
    Release("phi 3 medium", "2024-05", 14),
    Release("phi 3.5 mini", "2024-08", 3.8),
    Release("phi 3.5 moe", "2024-08", 42, 6.6),
    Release("phi 4", "2024-12", 14),
    Release("phi 4 mini", "2025-02", 3.8),
    Release("phi 4 reasoning", "2025-04", 14),
    Release("yi", "2023-11"),
    Release("yi 1.5", "2024-05"),
    Release("yi large", "2024-05", size_class=MEDIUM),
    Release("yi lightning", "2024-10", size_class=MEDIUM),
    Release("command r", "2024-03", 35),
    Release("command r plus", "2024-04", 104),
    Release("command a", "2025-03", 111),
    Release("aya 23", "2024-05"),
    Release("aya expanse", "2024-10"),
    Release("jamba", "2024-03", 52, 12),
    Release("jamba 1.5 mini", "2024-08", 52, 12),
    Release("jamba 1.5 large", "2024-08", 398, 94),
    Release("reka core", "2024-04", size_class=MEDIUM),
    Release("reka flash", "2024-02", 21),
    Release("reka edge", "2024-02", 7),
    Release("dbrx", "2024-03", 132, 36),
    Release("falcon", "2023-06"),
    Release("falcon 3", "2024-12"),
    Release("mpt", "2023-05"),
    Release("chatglm", "2023-03"),
    Release("chatglm 2", "2023-06"),
    Release("chatglm 3", "2023-10"),
    Release("glm 4", "2024-06"),
    Release("glm 4.5", "2025-07", 355, 32),
    Release("glm 4.5 air", "2025-07", 106, 12),
    Release("glm 4.6", "2025-09", 355, 32),
    Release("internlm 2", "2024-01"),
    Release("internlm 2.5", "2024-07"),
    Release("baichuan 2", "2023-09"),
    Release("solar", "2023-12"),
    Release("smollm", "2024-07"),
    Release("smollm 2", "2024-11"),
    Release("smollm 3", "2025-07"),
    Release("tinyllama", "2023-12"),
    Release("olmo", "2024-02"),
    Release("olmo 2", "2024-11"),
    Release("granite 3", "2024-10"),
    Release("granite 3.1", "2024-12"),
    Release("exaone 3.5", "2024-12"),
    Release("nova micro", "2024-12", size_class=NANO),
    Release("nova lite", "2024-12", size_class=SMALL),
    Release("nova pro", "2024-12", size_class=MEDIUM),
    Release("nova premier", "2025-04", size_class=LARGE),
    Release("titan", "2023-11", size_class=SMALL),
    Release("grok", "2023-11", 314, 79),
    Release("grok 2", "2024-08", size_class=LARGE),
    Release("grok 3", "2025-02", size_class=LARGE),
    Release("grok 4", "2025-07", size_class=LARGE),
    Release("kimi k2", "2025-07", 1000, 32),
    Release("minimax 01", "2025-01", 456, 46),
    Release("minimax m2", "2025-10", 230, 10),
    Release("minimax m1", "2025-06", 456, 46),
    Release("hermes 3", "2024-08"),
    Release("hunyuan", "2024-11", size_class=MEDIUM),
    Release("ernie", "2024-06", size_class=MEDIUM),
    Release("ernie 5", "2025-11", size_class=LARGE),
    Release("longcat", "2025-09", 560, 27),
    Release("openchat 3.5", "2023-11", 7),
    Release("starling", "2023-11"),
    Release("palm 2", "2023-05", size_class=MEDIUM),
    Release("koala", "2023-04"),
    Release("dolly 2", "2023-04"),
    Release("stablelm", "2023-04"),
    Release("oasst", "2023-04"),
    Release("snowflake", "2024-04", 480, 17),
    Release("arctic", "2024-04", 480, 17),
)


def find_release(words: Sequence[str]) -> Release | None:
    """Returns the release that a name's words name; None if the name has no family.

    Words that are no version count most. A version that is not listed is taken for the next older one.
    """
    have = frozenset(words)
    found: Release | None = None
    best: tuple[int, int, float] = (0, 0, 0.0)
    for index, word in enumerate(words):
        for release in _by_family().get(word, ()):
            if not release.names <= have:
                continue
            older = _first_version(words[index + 1 :])
            is_exact = release.version is not None and release.version_word in have
            is_older = release.version is not None and release.version < older
            if release.version is not None and not (is_exact or is_older):
                continue
            rank = (len(release.names), 2 * is_exact or int(is_older), release.version or 0.0)
            if rank > best:
                found, best = release, rank
    return found


def _first_version(words: Sequence[str]) -> float:
    """Returns the first version among words, as a number; -1 if there is none."""
    return next((float(word) for word in words if _is_version(word)), -1.0)


def _is_version(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal() and word.isascii()


@cache
def _by_family() -> Mapping[str, Sequence[Release]]:
    by_family = defaultdict(list)
    for release in RELEASES:
        by_family[release.family].append(release)
    return by_family
