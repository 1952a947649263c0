#!/usr/bin/env bash
# Makes the base images from Debian packages, where no registry of images can be reached:
#
#   localhost/routemoa-python         Debian with its own Python, and nothing to build with
#   localhost/routemoa-python-build   the same with pip and venv
#
# Needs root, buildah and debootstrap. DEBIAN_MIRROR names another mirror than debootstrap's own.
set -euo pipefail
SUITE=bookworm # its Python is 3.11
BASE=localhost/routemoa-python:$SUITE
BUILD=localhost/routemoa-python-build:$SUITE

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3 \
  "$SUITE" "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
# What no service reads: package lists and caches, manuals, translations.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/{apt,debconf} "$root"/var/log/* \
  "$root"/usr/share/{doc,info,locale,man}/*

container=$(buildah from scratch)
buildah add --quiet "$container" "$root" /
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet --rm "$container" "$BASE"

container=$(buildah from "$BASE")
buildah run "$container" -- apt-get update -qq
buildah run "$container" -- \
  apt-get install -qq --yes --no-install-recommends python3-pip python3-venv
buildah commit --quiet --rm "$container" "$BUILD"
