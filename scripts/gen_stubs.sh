#!/usr/bin/env bash
# Regenerates the committed stubs from proto/: Python, Go and TypeScript; Java's build generates its own.
# Run through `make gen`; checked by `make gen-check`. A language whose toolchain is absent keeps its stubs.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
protoc() { PATH="$bin:$PATH" .venv-gen/bin/python -m grpc_tools.protoc --proto_path=proto "$@"; }
service_config=proto/routemoa/v1/service_config.json

python=clients/python
find "$python/routemoa/v1" -name '*_pb2*.py*' -delete 2>/dev/null || true
protoc --python_out="$python" --grpc_python_out="$python" \
  --mypy_out="quiet:$python" --mypy_grpc_out="quiet,only_async:$python" \
  proto/routemoa/v1/*.proto
cp "$service_config" "$python/routemoa/service_config.json"

go=clients/go
if command -v go >/dev/null; then
  plugins=$PWD/build/go
  GOBIN=$plugins go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
  GOBIN=$plugins go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
  rm -f "$go"/routemoa/v1/*.pb.go
  module=github.com/routemoa/routemoa/clients/go
  protoc --plugin="$plugins/protoc-gen-go" --plugin="$plugins/protoc-gen-go-grpc" \
    --go_out="$go" --go_opt="module=$module" --go-grpc_out="$go" --go-grpc_opt="module=$module" \
    proto/routemoa/v1/*.proto
  cp "$service_config" "$go/service_config.json"
else
  echo "go is not installed: the Go stubs stay as they are" >&2
fi

typescript=clients/typescript
if command -v npm >/dev/null; then
  plugin=$typescript/node_modules/.bin/protoc-gen-es
  test -x "$plugin" || npm --prefix "$typescript" ci --no-audit --no-fund --silent
  rm -rf "$typescript/src/gen"
  mkdir -p "$typescript/src/gen"
  # Error details: google/rpc comes with the googleapis-common-protos that Python has installed.
  common=$("$bin/python" -c 'import google.rpc; print(next(iter(google.rpc.__path__)))')/../..
  protoc --proto_path="$common" --plugin="$plugin" \
    --es_out="$typescript/src/gen" --es_opt=target=ts,import_extension=js \
    proto/routemoa/v1/*.proto google/rpc/status.proto google/rpc/error_details.proto
  # shellcheck disable=SC2016 # the backticks are Markdown's
  { echo '/** The service config that every client has; written by `make gen`. */'
    echo 'export const SERVICE_CONFIG = String.raw`'"$(cat "$service_config")"'`;'
  } >"$typescript/src/gen/service_config.ts"
else
  echo "npm is not installed: the TypeScript stubs stay as they are" >&2
fi
