#!/bin/sh
# Forms a Redis Cluster of NODES, or finds that it is formed. Run as often as you like: it creates a
# cluster only where not one node knows another and none has a key, and then waits until it is whole.
#
#   NODES      names or addresses with ports, space-separated: `redis-0.redis:6379 ...`
#   REPLICAS   replicas per master, 1 by default
#   REDISCLI_AUTH or AUTH_FILE   the password, or the file with the `requirepass` line
#   TRIES      seconds to wait for the nodes, and again for the cluster; 300 by default
#
# Exit code 0: the cluster is whole. 1: it is not, and the last line says why.
set -eu

if [ -n "${AUTH_FILE:-}" ]; then
  REDISCLI_AUTH="$(sed -n 's/^requirepass //p' "$AUTH_FILE")"
  export REDISCLI_AUTH
fi
tries="${TRIES:-300}"
# shellcheck disable=SC2086 # a list
count="$(set -- $NODES && echo $#)"

ask() { # ask HOST:PORT COMMAND...
  where="$1"
  shift
  redis-cli -h "${where%:*}" -p "${where##*:}" "$@" 2>/dev/null | tr -d '\r'
}

info() { # info HOST:PORT FIELD
  ask "$1" cluster info | sed -n "s/^$2://p"
}

# Redis Cluster joins nodes by address, not by name.
address() {
  name="${1%:*}"
  case "$name" in
    *[!0-9.]*)
      found="$(getent hosts "$name" | awk 'NR == 1 { print $1 }')"
      [ -n "$found" ] || return 1
      echo "$found:${1##*:}"
      ;;
    *) echo "$1" ;;
  esac
}

wait_for() { # wait_for WHAT COMMAND...
  what="$1"
  shift
  left="$tries"
  until "$@"; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      echo "gave up waiting for $what" >&2
      exit 1
    fi
    sleep 1
  done
}

answers() { [ "$(ask "$1" ping)" = PONG ]; }

# Each node has its own view: the cluster is whole when all of them say so. The word about who
# replicates whom spreads last.
is_whole() {
  for node in $NODES; do
    [ "$(info "$node" cluster_state)" = ok ] || return 1
    [ "$(info "$node" cluster_slots_ok)" = 16384 ] || return 1
    [ "$(info "$node" cluster_known_nodes)" -ge "$count" ] || return 1
  done
}

for node in $NODES; do
  wait_for "$node" answers "$node"
done

is_new=yes
for node in $NODES; do
  [ "$(info "$node" cluster_known_nodes)" = 1 ] || is_new=no
  [ "$(info "$node" cluster_slots_assigned)" = 0 ] || is_new=no
done

if [ "$is_new" = yes ]; then
  addresses=""
  for node in $NODES; do
    addresses="$addresses $(address "$node")"
  done
  # shellcheck disable=SC2086 # a list
  redis-cli --cluster create $addresses --cluster-replicas "${REPLICAS:-1}" --cluster-yes
fi
wait_for "the cluster to be whole" is_whole
echo "the cluster is whole"
