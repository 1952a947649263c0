from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from services.router.prompts.context_window import fit_references, fits
from services.router.types.conversation import Conversation
from services.router.types.messages import Message, Role
from services.router.types.tokens import TokenizerError, estimate_tokens, open_tokenizer, shorten
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A tokenizer for which each word is a token."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture
def characters(tmp_path: Path) -> Path:
    """A tokenizer for which each character is a token."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    path = tmp_path / "characters.json"
    tokenizer.save(str(path))
    return path


def asked(text: str) -> Conversation:
    return Conversation(messages=(Message(role=Role.USER, content=text),))


def test_tokens_are_counted_as_the_models_tokenizer_does(words: Path) -> None:
    assert model(8192, words).count_tokens("How many legs has a spider?") == 6
    assert model(8192, None).count_tokens("How many legs") == estimate_tokens("How many legs")


def test_special_tokens_are_not_counted(words: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(words))
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    path = tmp_path / "special.json"
    tokenizer.save(str(path))
    assert open_tokenizer(path)("How many legs?") == 3


def test_a_conversation_fits_by_the_tokenizers_count_where_the_estimate_would_not(
    words: Path,
) -> None:
    conversation = asked("incomprehensibilities " * 500)
    assert fits(model(1000, words), conversation)
    assert not fits(model(1000, None), conversation)


def test_a_conversation_that_the_estimate_would_let_through_is_held_back(
    characters: Path,
) -> None:
    conversation = asked("word " * 400)
    assert fits(model(1500, None), conversation)
    assert not fits(model(1500, characters), conversation)


def test_the_worst_answers_are_dropped_first_and_the_last_is_cut_to_the_token(words: Path) -> None:
    reader = model(800, words)
    answers = [("best", "a " * 200), ("middle", "b " * 200), ("worst", "c " * 200)]
    kept = dict(fit_references(reader, asked("How many?"), answers))
    assert list(kept) == ["best", "middle"]
    assert kept["best"] == answers[0][1]
    assert 0 < len(kept["middle"].split()) < 200
    assert "[...]" in kept["middle"]


def test_a_text_is_cut_to_its_count(words: Path) -> None:
    count = open_tokenizer(words)
    short = shorten("a b c d e f g h " * 20, 11, count)
    assert 5 <= count(short) <= 11
    assert short.startswith("a b")


def test_a_long_text_is_estimated_so_that_other_calls_are_not_held_up(words: Path) -> None:
    text = "word " * 30_000
    assert open_tokenizer(words)(text) == estimate_tokens(text)


def test_what_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="no such file"):
        open_tokenizer(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(TokenizerError, match="is no tokenizer"):
        open_tokenizer(tmp_path / "bad.json")
