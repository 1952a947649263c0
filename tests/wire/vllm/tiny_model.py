"""Makes the smallest model that vLLM serves: two layers, a byte-level tokenizer, no weights.

    python -m tests.wire.vllm.tiny_model FOLDER

vLLM fills in random weights (`--load-format dummy`): what it writes means nothing, but how it does so
is real.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CONTEXT_WINDOW_TOKENS = 512
_SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
_CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SAMPLE = "How many legs has a spider? A spider has eight legs, and an insect has six of them. " * 8


def make(folder: Path) -> None:
    """Writes the model's files."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_SAMPLE], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    _write(folder / "tokenizer_config.json", _tokenizer_config())
    _write(folder / "config.json", _config(size))


def _tokenizer_config() -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|end|>",
        "model_max_length": CONTEXT_WINDOW_TOKENS,
        "chat_template": _CHAT_TEMPLATE,
    }


def _config(vocab_size: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocab_size,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": CONTEXT_WINDOW_TOKENS,
        "rms_norm_eps": 1e-5,
        "eos_token_id": 0,
        "bos_token_id": None,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }


def _write(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
