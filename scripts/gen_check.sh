#!/usr/bin/env bash
# Fails if the committed stubs or generated docs differ from what their sources generate.
set -euo pipefail
cd "$(dirname "$0")/.."
generated=(
  clients/python/routemoa/v1 clients/python/routemoa/service_config.json
  clients/go/routemoa/v1 clients/go/service_config.json
  clients/typescript/src/gen
  docs/config.md docs/errors.md docs/training.md docs/decision-records.schema.json
  deploy/k8s/routemoa/values.schema.json deploy/k8s/routemoa/files/dashboard.json
)
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -r --parents "${generated[@]}" "$before"
make --no-print-directory gen
stale=0
for path in "${generated[@]}"; do
  diff -r --exclude=__pycache__ "$before/$path" "$path" || stale=1
done
if [ "$stale" = 1 ]; then
  echo "Generated files were stale; they are regenerated now. Commit them." >&2
  exit 1
fi
echo "Generated files are fresh."
