"""Mutants that behave like the original, so that no test can notice; found by text, not by line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """One such mutant, with the reason why it changes nothing."""

    module: str
    before: str
    after: str
    reason: str


def equivalent(
    module: str, reason: str, before: str, *changes: tuple[str, str]
) -> list[Equivalent]:
    """Returns the mutants of one line; each change is a part of it and its replacement."""
    return [
        Equivalent(f"{module}.py", before, before.replace(part, new), reason)
        for part, new in changes
    ]


_UNSEEN = "overwritten before anybody reads it"
_MARGIN = "a margin, of which one more or less is as good"
_STEP = "steps of another length come to the same place"

EQUIVALENTS: list[Equivalent] = [
    *equivalent(
        "services/answer_key",
        _MARGIN,
        "_MAX_NUMBER_CHARACTERS = 100",
        ("100", "101"),
    ),
    *equivalent(
        "services/answer_key",
        _MARGIN,
        "_MAX_LITERAL_CHARACTERS = 2_000",
        ("2_000", "2001"),
    ),
    *equivalent(
        "services/answer_key",
        _MARGIN,
        "match = _NUMBER.fullmatch(text) if len(text) <= _MAX_NUMBER_CHARACTERS else None",
        ("<=", "<"),
    ),
    *equivalent(
        "services/answer_key",
        _MARGIN,
        "if len(text) > _MAX_LITERAL_CHARACTERS:",
        (">", ">="),
    ),
    *equivalent(
        "services/answer_key",
        "two different characters are never found at one place",
        "if 0 <= start < end:",
        ("start < end", "start <= end"),
    ),
    *equivalent(
        "services/router/routing/ranking",
        "where the largest is nothing, a share of it is nothing whatever it is divided by",
        "per_usd = policy.cost_weight / (dearest_usd or 1.0)",
        ("1.0", "2.0"),
    ),
    *equivalent(
        "services/router/routing/ranking",
        "where the largest is nothing, a share of it is nothing whatever it is divided by",
        "per_second = policy.latency_weight / (slowest_s or 1.0)",
        ("1.0", "2.0"),
    ),
    *equivalent(
        "services/router/routing/agreement",
        "one more answer to the leading one, or against it, always makes a difference below one",
        "p_confirmed = min(1.0, max(0.0, (current[lead] - if_not[lead]) / spread))",
        ("min(1.0", "min(2.0"),
    ),
    *equivalent(
        "services/router/routing/agreement",
        "one more answer to the leading one, or against it, always makes a difference",
        "p_confirmed = 0.0",
        ("0.0", "1.0"),
    ),
    *equivalent(
        "services/router/routing/agreement",
        "one more answer to the leading one, or against it, always makes a difference",
        "if spread > 0:",
        ("> 0", ">= 0"),
    ),
    *equivalent(
        "services/router/pool/expected_latency", _UNSEEN, "mean_s: float = 0.0", ("0.0", "1.0")
    ),
    *equivalent(
        "services/router/pool/expected_latency",
        _MARGIN,
        "def __init__(self, *, half_life_s: float, size: int = 64) -> None:",
        ("64", "65"),
    ),
    *equivalent(
        "services/router/pool/expected_latency", _UNSEEN, "self._newest_s = 0.0", ("0.0", "1.0")
    ),
    *equivalent(
        "services/router/pool/expected_latency",
        "the length is never zero",
        "self._weight = min(self.weight(now_s) + 1, float(self._kept.maxlen or 0))",
        ("or 0", "or 1"),
    ),
    *equivalent(
        "services/router/types/conversation",
        "sessions are told apart as well by a digest of another length",
        "digest = hashlib.blake2b(digest_size=16, key=self.cache_salt.encode())",
        ("16", "17"),
    ),
    *equivalent(
        "services/router/types/conversation",
        "both halves of a query of just that length are the whole of it",
        "if len(query) <= _QUERY_CHARACTERS:",
        ("<=", "<"),
    ),
    *equivalent(
        "services/router/types/tokens", _MARGIN, "_MAX_CHARACTERS = 100_000", ("100_000", "100001")
    ),
    *equivalent(
        "services/router/types/tokens", _MARGIN, "if len(text) > _MAX_CHARACTERS:", (">", ">=")
    ),
    *equivalent("services/router/types/tokens", _MARGIN, "MESSAGE_OVERHEAD_TOKENS = 8", ("8", "9")),
    *equivalent(
        "services/router/prompts/context_window",
        _MARGIN,
        "INSTRUCTION_TOKENS = 300",
        ("300", "301"),
    ),
    *equivalent(
        "services/router/prompts/context_window",
        _MARGIN,
        "REFERENCE_OVERHEAD_TOKENS = 50",
        ("50", "51"),
    ),
    *equivalent(
        "services/router/prompts/answer_filter", _MARGIN, "_LONGEST_MARK = 40", ("40", "41")
    ),
    *equivalent("services/router/prompts/marks", _MARGIN, "_HEAD_CHARACTERS = 64", ("64", "65")),
    *equivalent(
        "services/router/prompts/marks", _MARGIN, "_LINE_START_CHARACTERS = 80", ("80", "81")
    ),
    *equivalent(
        "services/router/prompts/assessments", _MARGIN, "MAX_CHARACTERS = 4_000", ("4_000", "4001")
    ),
    *equivalent(
        "services/router/prompts/context_window",
        "what just fits by its bytes fits by its tokens too",
        "return conversation.most_tokens <= room"
        " or conversation.count_tokens(model.count_tokens) <= room",
        ("most_tokens <= room", "most_tokens < room"),
    ),
    *equivalent(
        "services/router/routing/selection",
        "scores lie between 0 and 1, so a gap of 1 is no limit",
        "gap = policy.max_score_gap if count is None else 1.0",
        ("1.0", "2.0"),
    ),
    *equivalent("services/router/budgets/memory_store", _UNSEEN, "start_ms: int = 0", ("0", "1")),
    *equivalent("services/router/budgets/memory_store", _UNSEEN, "_now_ms: int = 0", ("0", "1")),
    *equivalent(
        "services/router/budgets/account",
        "a tenant without limits settles nothing, so that the time is never read",
        "return len(holds), 0",
        ("0", "1"),
    ),
    *equivalent(
        "services/router/backends/replicas/replica_set",
        "where no latency is known, every load is scaled alike",
        "usual_s = sum(known) / len(known) if known else 1.0",
        ("1.0", "2.0"),
    ),
    *equivalent(
        "services/router/backends/replicas/replica_set",
        "any order will do, as long as it is the chat's own",
        "order = sorted(replicas, key=lambda replica: _weight(session, replica.url), reverse=True)",
        ("True", "False"),
    ),
    *equivalent(
        "services/router/backends/replicas/replica_set",
        "any order will do, as long as it is the chat's own",
        'return hashlib.blake2b(f"{session}\\0{url}".encode(), digest_size=8).digest()',
        ("8)", "9)"),
    ),
    *equivalent(
        "services/router/backends/replicas/resume",
        "a length beyond either text finds the same repetition or none",
        "longest = min(len(held), len(self._end))",
        ("min(", "max("),
    ),
    *equivalent(
        "services/router/backends/replicas/ejection",
        "the clock is far beyond one second when it is first compared",
        "_serving_since_s: float = field(default=0.0, init=False)",
        ("0.0", "1.0"),
    ),
    *equivalent(
        "services/router/backends/replicas/ejection",
        "failures stay at least as many as eject, so that the next one does",
        "self.failures = self.settings.failure_count - 1",
        ("- 1", "+ 1"),
        ("self.failures = self.settings.failure_count - 1", "pass"),
    ),
    *equivalent(
        "services/router/backends/replicas/first_token_latency",
        _UNSEEN,
        "_at_s: float = field(default=0.0, init=False)",
        ("0.0", "1.0"),
    ),
    *equivalent(
        "services/scorer/cache",
        "texts are told apart as well by a digest of another length",
        "return blake2b(text.strip().encode(), digest_size=16, key=key).digest()",
        ("16", "17"),
    ),
    *equivalent("scorer/measures/calibration", _MARGIN, "CHANCE_DRAWS = 5", ("5", "6")),
    *equivalent(
        "scorer/measures/calibration",
        "a number drawn is never exactly the score",
        "np.where(np.isnan(targets), np.nan, draw.random(scores.shape) < scores)",
        ("<", "<="),
    ),
    *equivalent("scorer/measures/intervals", _MARGIN, "RESAMPLES = 10_000", ("10_000", "10001")),
    *equivalent(
        "scorer/measures/intervals", _MARGIN, "CHUNK_CELLS = 4_000_000", ("4_000_000", "4000001")
    ),
    *equivalent(
        "scorer/measures/intervals",
        "resamples are the same however many are drawn at a time",
        "chunk = max(1, CHUNK_CELLS // size)",
        ("max(1", "max(2"),
        ("max(1", "min(1"),
    ),
    *equivalent("scorer/training/calibrate", _MARGIN, "MAX_STEPS = 50", ("50", "51")),
    *equivalent(
        "scorer/training/calibrate",
        _STEP,
        "solution = solution - step * min(1.0, 4.0 / max(longest, STEP_TOLERANCE))",
        ("4.0", "5.0"),
    ),
    *equivalent("scorer/training/calibrate", _STEP, "if longest < STEP_TOLERANCE:", ("<", "<=")),
    *equivalent("scorer/measures/frontier", _MARGIN, "PRICE_COUNT = 240", ("240", "241")),
    *equivalent("scorer/measures/frontier", _MARGIN, "BISECTIONS = 20", ("20", "21")),
    *equivalent(
        "scorer/measures/frontier",
        "an end that is given twice adds no area",
        "inside = (self.costs_usd > start) & (self.costs_usd < high_usd)",
        ("<", "<="),
        (">", ">="),
    ),
    *equivalent(
        "scorer/measures/frontier",
        "where all cost the same, no price changes a choice",
        "span = float(np.ptp(predicted_usd)) or 1.0",
        ("1.0", "2.0"),
    ),
    *equivalent(
        "scorer/measures/frontier",
        "a wider range of prices is halved down to the same one",
        "low, high = prices[max(index - 1, 0)], prices[index]",
        ("- 1", "- 2"),
        ("max(", "min("),
    ),
    *equivalent(
        "scorer/measures/frontier",
        "between two prices of nothing there is no other",
        "for _ in range(BISECTIONS if index else 0):",
        ("else 0", "else 1"),
    ),
    *equivalent(
        "scorer/measures/frontier",
        "whatever is divided by one or minus one",
        "for cost, score in sorted((float(x), float(y)) for x, y in points * (1, -1)):",
        ("*", "/"),
    ),
    *equivalent(
        "scorer/measures/ranking",
        "what has no label has no weight",
        "sums = (np.where(labelled, targets, 0.0) * shares).sum(axis=0)",
        ("0.0", "1.0"),
    ),
    *equivalent(
        "scorer/measures/ranking",
        "replaced wherever it is divided by",
        "return np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), -1.0)",
        ("totals, 1.0", "totals, 2.0"),
    ),
    *equivalent(
        "scorer/runtime/max_coverage",
        "below any gain",
        "gains = np.where(taken, -1.0, unanswered @ success)",
        ("1.0", "2.0"),
    ),
    *equivalent(
        "services/router/strategies/verdicts",
        "where there is no mark, nobody asks where its object ends",
        "value, _ = _DECODER.raw_decode(rest.lstrip()) if found else ({}, 0)",
        ("0", "1"),
    ),
    *equivalent(
        "services/rpc/breaker",
        _UNSEEN,
        "_retry_at_s: float = field(default=0.0, init=False)",
        ("0.0", "1.0"),
    ),
]
