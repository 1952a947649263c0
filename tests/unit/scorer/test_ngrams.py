from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.runtime.ngrams import MAX_BYTES, PADDING_ID, ngram_ids

BUCKETS = 1 << 15
# Categories left out by default are wanted here: half a surrogate pair is what JSON can spell.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)


@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT, buckets=st.integers(2, 1 << 20))
def test_ids_of_any_text_are_distinct_ascending_in_range_and_never_the_padding(
    text: str, buckets: int
) -> None:
    ids = ngram_ids(text, buckets)
    assert ids.dtype == np.int64
    assert (np.diff(ids) > 0).all()
    assert ((ids > PADDING_ID) & (ids < buckets)).all()


@pytest.mark.parametrize("text", ["", " ", "\n", "?", "a", "\ud800", "\x00"])
def test_the_shortest_texts_are_read_too(text: str) -> None:
    assert len(ngram_ids(text, BUCKETS)) <= 3


@given(text=ANY_TEXT)
@settings(max_examples=50, deadline=None)
def test_case_does_not_matter(text: str) -> None:
    assert ngram_ids(text.lower(), BUCKETS).tolist() == ngram_ids(text, BUCKETS).tolist()


def test_another_process_gives_the_same_ids() -> None:
    text = "What is 2 + 2? 你好 Größe \U0001f916"
    code = (
        "import json, sys; from scorer.runtime.ngrams import ngram_ids;"
        "sys.stdout.write(json.dumps(ngram_ids(json.loads(sys.argv[1]), 1 << 15).tolist()))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, json.dumps(text)],
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert json.loads(done.stdout) == ngram_ids(text, BUCKETS).tolist()


def test_words_are_found_wherever_they_stand() -> None:
    alone = set(ngram_ids("integral", BUCKETS).tolist())
    within = set(ngram_ids("Compute the (integral) of x, please.", BUCKETS).tolist())
    # All but the byte n-grams that reach beyond the word, of which there are two.
    assert len(alone - within) <= 2
    assert len(alone) > 5


def test_the_order_of_two_words_matters() -> None:
    assert (
        ngram_ids("dog bites man", BUCKETS).tolist() != ngram_ids("man bites dog", BUCKETS).tolist()
    )


def test_chinese_is_read_and_not_one_unknown() -> None:
    one, other = ngram_ids("请证明勾股定理", BUCKETS), ngram_ids("写一首关于秋天的诗", BUCKETS)
    assert len(set(one.tolist()) & set(other.tolist())) <= 2
    assert min(len(one), len(other)) > 10


def test_of_a_long_text_the_middle_alone_is_not_read() -> None:
    start, end = "a" * (MAX_BYTES // 2), "b" * (MAX_BYTES // 2)
    whole = ngram_ids(start + "the middle" + end, BUCKETS)
    assert whole.tolist() == ngram_ids(start + "something else" + end, BUCKETS).tolist()
    assert whole.tolist() != ngram_ids(start + "c" + end[:-9] + "the end", BUCKETS).tolist()
