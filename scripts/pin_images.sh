#!/usr/bin/env bash
# Pins the base images of a Dockerfile to the digests that their tags have now. Needs a registry, and crane,
# skopeo or docker buildx to ask it.
set -euo pipefail
dockerfile=${1:?usage: pin_images.sh DOCKERFILE}

digest() {
  if command -v crane >/dev/null; then
    crane digest "$1"
  elif command -v skopeo >/dev/null; then
    skopeo inspect --no-tags --format '{{.Digest}}' "docker://$1"
  elif command -v docker >/dev/null; then
    docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"
  else
    echo "No crane, skopeo or docker here to ask for digests." >&2
    return 1
  fi
}

mapfile -t images < <(sed -n 's/^ARG [A-Z_]*_IMAGE=\([^@]*\).*/\1/p' "$dockerfile" | sort -u)
for tagged in "${images[@]}"; do
  found=$(digest "$tagged")
  [[ $found =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$tagged: no digest but '$found'" >&2; exit 1; }
  sed -i "s|^\(ARG [A-Z_]*_IMAGE=$tagged\)\(@.*\)\?$|\1@$found|" "$dockerfile"
  echo "$tagged@$found"
done
