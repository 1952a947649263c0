#!/usr/bin/env bash
# Installs what `make test-chart` needs into a folder: programs under bin/, definitions of custom resources
# under crds/. Everything comes from the Go module proxy and Debian's archive, at these versions.
set -euo pipefail
tools=${1:?usage: chart_tools.sh FOLDER}
mkdir -p "$tools/bin" "$tools/crds"
tools=$(cd "$tools" && pwd)

programs=(
  helm.sh/helm/v4/cmd/helm@v4.2.4
  github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
  github.com/zegl/kube-score/cmd/kube-score@v1.20.0
  github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
)
# Module, version, file in it.
definitions=(
  "sigs.k8s.io/gateway-api v1.4.0 config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml"
  "sigs.k8s.io/gateway-api v1.4.0 config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
  "github.com/prometheus-operator/prometheus-operator v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"
  "github.com/prometheus-operator/prometheus-operator v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"
  "github.com/prometheus-operator/prometheus-operator v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"
  "github.com/cert-manager/cert-manager v1.19.1 deploy/crds/cert-manager.io_certificates.yaml"
  "github.com/kedacore/keda/v2 v2.18.1 config/crd/bases/keda.sh_scaledobjects.yaml"
  "github.com/external-secrets/external-secrets v0.20.4 config/crds/bases/external-secrets.io_externalsecrets.yaml"
)

if ! command -v go >/dev/null; then
  echo "No Go here, so the chart's tools cannot be installed: its tests will be skipped." >&2
  exit 0
fi
cd "$(mktemp -d)" # outside of any module
for program in "${programs[@]}"; do
  name=$(basename "${program%@*}")
  built=$(go version -m "$tools/bin/$name" 2>/dev/null || true)
  grep -q "	mod	.*	${program#*@}	" <<<"$built" ||
    { echo "Building $program ..." && GOBIN="$tools/bin" go install "$program"; }
done
for definition in "${definitions[@]}"; do
  read -r module version file <<<"$definition"
  folder=$(go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  install -m 644 "$folder/$file" "$tools/crds/"
done
if [ ! -x "$tools/bin/promtool" ]; then
  if command -v promtool >/dev/null; then
    ln -s "$(command -v promtool)" "$tools/bin/promtool"
  elif command -v apt-get >/dev/null && apt-get download prometheus 2>/dev/null; then
    dpkg-deb --extract prometheus_*.deb . && install usr/bin/promtool "$tools/bin/"
  else
    echo "No promtool here (Debian's prometheus has it): tests of the alerts will be skipped." >&2
  fi
fi
touch "$tools/tools.done"
