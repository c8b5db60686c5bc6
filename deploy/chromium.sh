#!/bin/sh
# Installs Debian's Chromium for the tests that drive the pages, where there is no such browser yet.
set -eu
for browser in chromium chromium-browser google-chrome; do
  if command -v "$browser" >/dev/null; then exit 0; fi
done
packages="chromium fonts-noto-cjk"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The browser tests need Chromium and a Chinese font; on Debian: sudo apt-get install $packages" >&2
  exit 1
fi
echo "Installing Chromium …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends $packages >/dev/null
