#!/usr/bin/env bash
# Fails if proto/ would break callers of the last release, which is the newest tag `v*` up to this commit.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
if [ -z "$release" ]; then
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    echo "buf breaking: not checked, this clone is shallow and may lack the last release's tag." >&2
    exit 0
  fi
  echo "buf breaking: no release is tagged yet, so there is nothing to break."
  exit 0
fi
"${BUF:-buf}" breaking --against "$(git rev-parse --git-common-dir)#tag=$release"
echo "buf breaking: nothing that callers of $release rely on has changed."
