#!/bin/sh
# Installs Debian's Prometheus (with promtool) for the tests of deploy/, where it may; without it they are skipped.
set -eu
if command -v promtool >/dev/null && command -v prometheus >/dev/null; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "No Prometheus here, so that the tests of its files are skipped; on Debian: sudo apt-get install prometheus" >&2
  exit 0
fi
echo "Installing Prometheus …"
export DEBIAN_FRONTEND=noninteractive
# RUNLEVEL: the package's service is not started.
if ! { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends prometheus >/dev/null; }; then
  echo "It could not be installed; the tests of its files are skipped." >&2
fi
