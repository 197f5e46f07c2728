#!/usr/bin/env bash
# Copies what Redis has written into an archive, while it serves.
#
#   deploy/backup.sh FILE.tgz
#
# REDIS_SHELL is what runs a command where Redis is, REDIS_DATA its folder there; unless they are set,
# that is the compose stack. What was acknowledged before it began is in it. Needs space for a second
# copy of the files that grow. deploy/compose/restore.sh puts it back, docs/operations.md says how
# elsewhere.
set -euo pipefail

file="$(realpath -m "${1:?usage: backup.sh FILE.tgz}")"
cd "$(dirname "$0")/.."
umask 077
trap 'rm -f "$file.part"' EXIT

# With `appendfsync everysec` a write may wait for a slow disk for so long.
sleep 2

# Redis replaces the manifest in one step whenever it begins or ends to rewrite its files, and then
# removes the old ones: what was copied under one and the same manifest belongs together. Files that
# do not change any more are linked and not copied.
# shellcheck disable=SC2086  # it may be several words
${REDIS_SHELL:-${COMPOSE:-docker compose} exec -T redis} sh -eu -c '
  cd "$0"
  manifest=appendonly.aof.manifest
  copy() {
    rm -rf backup && mkdir backup && cp "appendonlydir/$manifest" backup/ || return 1
    while read -r _ name _ _ _ type _; do  # Redis 8 adds where a file begins
      case "$type" in
        b) ln "appendonlydir/$name" backup/ || return 1 ;;
        i) cp "appendonlydir/$name" backup/ || return 1 ;;
        *) return 1 ;;
      esac
    done <"backup/$manifest"
    [ "$(cat "appendonlydir/$manifest")" = "$(cat "backup/$manifest")" ]
  }
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if copy; then
      tar -c -f - -C backup .
      rm -rf backup
      exit 0
    fi
    sleep 1
  done
  rm -rf backup
  echo "Redis keeps rewriting its files." >&2
  exit 1
' "${REDIS_DATA:-/data}" | gzip >"$file.part"

mv "$file.part" "$file"
