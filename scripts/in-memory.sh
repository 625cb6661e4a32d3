#!/bin/bash
# Run a command whose temporary files are in memory, where there is room for them: nothing waits for the disk.
# Usage: scripts/in-memory.sh COMMAND...
set -euo pipefail

room_kb=$((512 * 1024))

free_kb=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1) || free_kb=0
if [ ! -w /dev/shm ] || [ "${free_kb:-0}" -lt "$room_kb" ]; then
    exec "$@"
fi
folder=$(mktemp -d /dev/shm/tamis-tests-XXXXXX)
trap 'rm -rf "$folder"' EXIT
# As /tmp is: tests that change the user look into it.
chmod 755 "$folder"
TMPDIR=$folder "$@"
