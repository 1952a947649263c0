#!/usr/bin/env bash
# Regenerates the committed Python stubs from proto/. Run through `make gen`; checked by `make gen-check`.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
out=clients/python
find "$out/routemoa/v1" -name '*_pb2*.py*' -delete 2>/dev/null || true
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc \
  --proto_path=proto \
  --python_out="$out" \
  --grpc_python_out="$out" \
  --mypy_out="quiet:$out" \
  --mypy_grpc_out="quiet,only_async:$out" \
  proto/routemoa/v1/*.proto
cp proto/routemoa/v1/service_config.json "$out/routemoa/service_config.json"
