#!/usr/bin/env bash
# Restarts containers of the compose stack one after the other, each ready before the next, so that
# they read their secrets anew and somebody serves all along.
#
#   deploy/compose/roll.sh [SERVICE...]      (default: worker api)
set -euo pipefail

[ $# -gt 0 ] || set -- worker api
cd "$(dirname "$0")/../.."

ready() {
  docker exec "$1" python -m chat.ops.healthcheck /readyz >/dev/null 2>&1
}

for service in "$@"; do
  # shellcheck disable=SC2086  # COMPOSE may be several words
  for container in $(${COMPOSE:-docker compose} ps --quiet "$service"); do
    docker restart "$container" >/dev/null
    for _ in $(seq 120); do
      ready "$container" && continue 2
      sleep 0.5
    done
    echo "$service $container is not ready." >&2
    exit 1
  done
done
