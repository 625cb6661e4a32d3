#!/bin/bash
# Run a command with the rights that a private Postfix needs: as root, in a user namespace, or with sudo.
# Usage: as-root.sh COMMAND...
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
    exec "$@"
fi
# It hangs, rather than fails, where the kernel allows no user namespace.
if timeout 5 unshare --map-root-user --map-auto true 2>/dev/null; then
    exec unshare --map-root-user --map-auto "$@"
fi
if command -v sudo >/dev/null && sudo true; then
    status=0
    sudo --preserve-env "$@" || status=$?
    # Caches that root has written are the user's, or `make clean` could not remove them.
    sudo find "$(dirname "$0")/.." -xdev -user root -exec chown -h "$(id -u):$(id -g)" {} +
    exit "$status"
fi
echo "$(basename "$1"): a private Postfix needs root, sudo, or the Debian package uidmap" >&2
exit 1
