#!/usr/bin/env bash
# A cluster on this machine with the chart in it, and simulated models: builds the images, loads them, installs,
# tests. Needs docker, kind, kubectl and helm. `kind delete cluster --name routemoa` removes it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
context=kind-routemoa # named in every command, so that no other cluster is touched

images=()
for name in scorer router judge gateway simulator; do
  images+=("routemoa/$name:local")
  docker build --file "$root/deploy/docker/Dockerfile" --target "$name" --tag "routemoa/$name:local" "$root"
done
kind get clusters | grep -qx routemoa || kind create cluster --config "$here/cluster.yaml" --wait 120s
kind load docker-image --name routemoa "${images[@]}"
kubectl --context "$context" apply --filename "$here/namespace.yaml"
kubectl --context "$context" apply --namespace ai --filename "$here/simulator.yaml"
helm upgrade --kube-context "$context" --install routemoa "$root/deploy/k8s/routemoa" \
  --namespace ai --values "$here/values.yaml" --wait --timeout 5m
helm test --kube-context "$context" routemoa --namespace ai --logs
