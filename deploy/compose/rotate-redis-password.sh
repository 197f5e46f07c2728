#!/usr/bin/env bash
# Gives the user `chat` of Redis in the compose stack a new password. Both work while the workers
# are restarted one after the other, so that nobody is locked out.
#
#   deploy/compose/rotate-redis-password.sh
#
# Redis is restarted twice, as it reads its users at the start only: publishes are refused for a
# second, connections stay. Where it ends early, run it again.
set -euo pipefail

here="$(realpath "$(dirname "$0")")"
cd "$here/../.."
compose="${COMPOSE:-docker compose}"
# shellcheck disable=SC2086  # COMPOSE may be several words
secrets="$($compose config | sed -n 's|^ *file: \(.*\)/redis\.acl$|\1|p' | head -n 1)"
umask 077

if ! grep -q '^user chat on #' "$secrets/redis.acl" ||
  ! grep -q '^redis://chat:[^@]*@' "$secrets/redis-url"; then
  echo "$secrets: redis.acl or redis-url is not as deploy/make-secrets.sh makes it." >&2
  exit 1
fi
trap 'rm -f "$secrets"/*.part' EXIT

put() { # FILE, content from standard input
  cat >"$secrets/$1.part"
  chmod 444 "$secrets/$1.part"
  mv "$secrets/$1.part" "$secrets/$1"
}

restart_redis() {
  # shellcheck disable=SC2086
  $compose restart redis
  # shellcheck disable=SC2086
  $compose up -d --no-deps --no-recreate --wait redis
}

password="$(openssl rand -hex 32)"
digest="$(printf %s "$password" | openssl dgst -sha256 -r | cut -d' ' -f1)"

sed "s/^user chat on /&#$digest /" "$secrets/redis.acl" | put redis.acl
restart_redis
sed "s|^\(redis://chat:\)[^@]*@|\1$password@|" "$secrets/redis-url" | put redis-url
"$here/roll.sh"
sed "/^user chat on /{s/ #[0-9a-f]*//g;s/^user chat on/& #$digest/;}" "$secrets/redis.acl" |
  put redis.acl
restart_redis
