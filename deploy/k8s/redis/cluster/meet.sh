#!/bin/sh
# Tells the other nodes where this one is now. Nodes remember addresses, and pods come back with new
# ones: one node that moves is found again by itself, since it knows where the others are, but after
# all of them moved at once nobody would find anybody. The later of each two to start runs this while
# the earlier is in DNS, and the two know each other by their ids.
#
#   PEERS   names or addresses with ports, space-separated; unknown and dead ones are skipped
#   SELF    HOST:PORT of this node, 127.0.0.1:6379 by default
#   REDISCLI_AUTH or AUTH_FILE   the password, or the file with the `requirepass` line
#
# A node that never was in a cluster stays alone: form.sh is who makes one.
set -u

if [ -n "${AUTH_FILE:-}" ]; then
  REDISCLI_AUTH="$(sed -n 's/^requirepass //p' "$AUTH_FILE")"
  export REDISCLI_AUTH
fi
self="${SELF:-127.0.0.1:6379}"

here() { redis-cli -h "${self%:*}" -p "${self##*:}" "$@" 2>/dev/null | tr -d '\r'; }

# The hook runs beside the server's start, which may load a long log before it answers.
left=600
until here cluster info | grep -q '^cluster_known_nodes:'; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || exit 0
  sleep 1
done
here cluster info | grep -qx 'cluster_known_nodes:1' && exit 0

for peer in $PEERS; do
  name="${peer%:*}"
  case "$name" in
    *[!0-9.]*) name="$(getent hosts "$name" | awk 'NR == 1 { print $1 }')" ;;
  esac
  [ -n "$name" ] && here cluster meet "$name" "${peer##*:}" >/dev/null
done
exit 0
