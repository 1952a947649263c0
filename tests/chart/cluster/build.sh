#!/usr/bin/env bash
# Builds what the tests of clusters run into a folder: one binary that is etcd, the control plane, what a node runs,
# and kubectl; metrics-server and containerd, each with the libraries of its own go.mod; and kwok, which plays nodes.
set -euo pipefail
bin=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
version=v1.36.1
kwok=v0.8.0
metrics_server=v0.9.0
containerd=v2.2.9
package=k8s.io/component-base/version
if ! command -v go >/dev/null; then
  echo "No Go here, so there is no control plane to test against: tests of clusters will be skipped." >&2
  exit 0
fi
cd "$(dirname "$0")/binaries"
echo "Building Kubernetes $version ..."
go build -trimpath -o "$bin/control-plane" \
  -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=36" .
cd / # outside of any module
GOBIN="$bin" go install "sigs.k8s.io/kwok/cmd/kwok@$kwok"
echo "Building metrics-server $metrics_server and containerd $containerd ..."
install=(go install -trimpath -ldflags "-s -w")
GOBIN="$bin" "${install[@]}" "sigs.k8s.io/metrics-server/cmd/metrics-server@$metrics_server"
GOBIN="$bin" "${install[@]}" -tags "no_btrfs no_devmapper no_tracing no_zfs" \
  github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}"@$containerd"
# What kwok does to nodes and pods: makes them ready, and deletes them, at once.
stages=$(go mod download -json "sigs.k8s.io/kwok@$kwok" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/kustomize/stage
for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease pod/fast/pod-ready pod/fast/pod-delete; do
  echo "---"
  cat "$stages/$stage.yaml"
done >"$bin/stages.yaml"
for name in etcd kube-controller-manager kube-scheduler kubectl kubelet kube-proxy network-policies kube-apiserver; do
  ln -sf control-plane "$bin/$name"
done
