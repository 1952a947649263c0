#!/usr/bin/env bash
# A cluster on this machine with the chart in it: builds the images, loads them, installs, tests.
# Needs docker, kind, kubectl and helm. `kind delete cluster --name routemoa` removes it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
tag=local

for service in scorer router judge; do
  docker build --file "$root/deploy/docker/Dockerfile" --target "$service" --tag "routemoa/$service:$tag" "$root"
done
kind get clusters | grep -qx routemoa || kind create cluster --config "$here/cluster.yaml" --wait 120s
for service in scorer router judge; do
  kind load docker-image --name routemoa "routemoa/$service:$tag"
done
kubectl config use-context kind-routemoa
kubectl create namespace ai --dry-run=client --output yaml | kubectl apply --filename -
kubectl label --overwrite namespace ai pod-security.kubernetes.io/enforce=restricted
helm upgrade --install routemoa "$root/deploy/k8s/routemoa" --namespace ai --wait --timeout 5m \
  --set image.tag="$tag" --values "$root/deploy/k8s/routemoa/ci/default-values.yaml"
helm test routemoa --namespace ai --logs
