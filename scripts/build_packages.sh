#!/usr/bin/env bash
# Builds what a release publishes, and publishes nothing: wheels, the npm package, Maven's jars, the chart.
#
#   scripts/build_packages.sh dist python typescript java go chart
#
# Every package has the version of pyproject.toml; Go's is its tag, so it is only checked.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "${VENV:-.venv}/bin" && pwd)
mkdir -p "$1"
target=$(cd "$1" && pwd)
shift

python() {
  for project in clients/python .; do
    (cd "$project" && "$bin/python" -m hatchling build --target wheel --target sdist --directory "$target")
  done
}
typescript() {
  test -d clients/typescript/node_modules ||
    npm --prefix clients/typescript ci --no-audit --no-fund --silent
  (cd clients/typescript && npm pack --silent --pack-destination "$target")
}
java() {
  mvn --batch-mode --quiet --file clients/java/pom.xml -DskipTests -Prelease clean package
  cp clients/java/target/routemoa-client-*.jar clients/java/pom.xml "$target"
}
go() {
  (cd clients/go && command go mod verify && command go vet ./...)
}
chart() {
  .tools/bin/helm package deploy/k8s/routemoa --destination "$target"
}

for package in "$@"; do
  "$package"
done
