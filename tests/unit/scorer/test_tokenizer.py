from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer import default_artifact_path
from scorer.runtime.tokenizer import QueryTokenizer

TOKENIZER = default_artifact_path().parent / "base/tokenizer.json"


def reader(max_tokens: int) -> QueryTokenizer:
    return QueryTokenizer(TOKENIZER, max_tokens=max_tokens, ngram_buckets=1 << 15)


UNLIMITED = reader(1_000_000)
CLS, SEP = UNLIMITED.encode("").ids


def test_a_short_query_is_neither_padded_nor_truncated() -> None:
    query = reader(256).encode("What is two plus two?")
    assert len(query.ids) == 8
    assert query.ids.dtype == np.int64
    assert not query.truncated


def test_a_query_past_the_128_tokens_that_the_encoder_came_with_is_kept_whole() -> None:
    query = reader(256).encode("word " * 200)
    assert len(query.ids) == 202
    assert not query.truncated


def test_a_long_query_keeps_its_first_and_its_last_half() -> None:
    text = "start " + "middle " * 100 + "end"
    whole = UNLIMITED.encode(text).ids
    query = reader(9).encode(text)
    assert query.truncated
    assert query.ids.tolist() == [*whole[:5], *whole[-4:]]
    assert query.ids[0] == CLS
    assert query.ids[-1] == SEP


def test_a_query_of_exactly_the_limit_is_not_truncated() -> None:
    text = "one two three four"
    length = len(UNLIMITED.encode(text).ids)
    assert not reader(length).encode(text).truncated
    assert reader(length - 1).encode(text).truncated


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=300), limit=st.integers(min_value=2, max_value=40))
def test_any_text_gives_at_most_the_limit_between_the_special_tokens(text: str, limit: int) -> None:
    query = reader(limit).encode(text)
    assert 2 <= len(query.ids) <= limit
    assert query.truncated == (len(UNLIMITED.encode(text).ids) > limit)
    assert (query.ids[0], query.ids[-1]) == (CLS, SEP)


def test_threads_share_a_tokenizer() -> None:
    tokenizer = reader(64)
    texts = [f"query number {number} " * (number % 7 + 1) for number in range(64)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(tokenizer.encode, texts))
    for text, query in zip(texts, together, strict=True):
        assert query.ids.tolist() == tokenizer.encode(text).ids.tolist()


def test_without_an_encoder_a_query_is_its_ngrams_and_says_when_its_middle_was_not_read() -> None:
    edge = QueryTokenizer(None, max_tokens=256, ngram_buckets=1 << 15)
    short, long = edge.encode("What is two plus two?"), edge.encode("word " * 500)
    assert len(short.ids) == len(long.ids) == 0
    assert short.ngrams.tolist() == UNLIMITED.encode("What is two plus two?").ngrams.tolist()
    assert not short.truncated
    assert long.truncated
