#!/usr/bin/env bash
# Builds what the cluster test runs into a folder: one binary that is etcd, the control plane and kubectl, and
# kwok, which plays the nodes.
set -euo pipefail
bin=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
version=v1.36.1
package=k8s.io/component-base/version
if ! command -v go >/dev/null; then
  echo "No Go here, so there is no control plane to test against: the cluster test will be skipped." >&2
  exit 0
fi
cd "$(dirname "$0")/binaries"
echo "Building Kubernetes $version ..."
go build -trimpath -o "$bin/control-plane" \
  -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=36" .
(cd / && GOBIN="$bin" go install sigs.k8s.io/kwok/cmd/kwok@v0.8.0)
for name in etcd kube-controller-manager kube-scheduler kubectl kube-apiserver; do
  ln -sf control-plane "$bin/$name"
done
