#!/usr/bin/env bash
# Puts back what deploy/backup.sh has copied. Redis is away meanwhile, nothing else is:
# connections stay, and who has seen what the backup does not have is told so.
#
#   deploy/compose/restore.sh FILE.tgz
#
# Works on an empty volume too. What was there before is kept as /data/appendonlydir.before.
set -euo pipefail

file="$(realpath "${1:?usage: restore.sh FILE.tgz}")"
cd "$(dirname "$0")/../.."
compose="${COMPOSE:-docker compose}"
tar -tzf "$file" ./appendonly.aof.manifest >/dev/null

start() {
  # shellcheck disable=SC2086  # COMPOSE may be several words
  $compose up -d --no-deps --wait redis
}

# shellcheck disable=SC2086
$compose stop redis
trap start EXIT # with what was there, if it cannot be replaced
# shellcheck disable=SC2086
gzip -dc "$file" | $compose run --rm --no-deps -T --entrypoint sh redis -eu -c '
  cd /data
  rm -rf restored && mkdir restored
  tar -x -f - -C restored
  test -s restored/appendonly.aof.manifest
  if [ -e appendonlydir ]; then
    rm -rf appendonlydir.before
    mv appendonlydir appendonlydir.before
  fi
  mv restored appendonlydir
'
