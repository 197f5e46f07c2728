#!/bin/sh
# Makes the files of an overlay's secrets that are not there yet: random keys and a certificate that
# nobody trusts. For development; for production replace tls.pem (certificate chain, then key) and put
# the public keys of your token issuer into jwt-keys.json.
#
#   deploy/k8s/secrets.sh development|production|redis-cluster|loadtest
set -eu
umask 077

case "${1:-}" in
  development | production | redis-cluster | loadtest) ;;
  *)
    echo "usage: $0 development|production|redis-cluster|loadtest" >&2
    exit 2
    ;;
esac
overlay="$1"
cd "$(dirname "$0")/overlays/$overlay"
mkdir -p secrets
cd secrets

random() { openssl rand -hex 32; }

keep() { # keep FILE: take the text for a file that is not there, leave one that is
  if [ -e "$1" ]; then
    cat >/dev/null
  else
    cat >"$1"
    echo "made deploy/k8s/overlays/$overlay/secrets/$1"
  fi
}

if [ "$overlay" = loadtest ]; then
  random | keep join-secret
  if [ ! -e jwt-secret ]; then
    echo "put the secret that the target's tokens are signed with into $PWD/jwt-secret" >&2
    exit 1
  fi
  exit 0
fi

if [ ! -e redis-auth.conf ]; then
  password="$(random)"
  printf 'requirepass %s\nmasterauth %s\n' "$password" "$password" | keep redis-auth.conf
fi
password="$(sed -n 's/^requirepass //p' redis-auth.conf)"
printf '{"redis://localhost:6379": "%s"}\n' "$password" | keep redis-exporter.json
if [ "$overlay" = redis-cluster ]; then
  name=chat-redis-cluster
  nodes="$name-0.$name:6379,$name-1.$name:6379,$name-2.$name:6379"
  printf 'redis+cluster://:%s@%s' "$password" "$nodes" | keep redis-url
else
  printf 'redis://:%s@chat-redis:6379/0' "$password" | keep redis-url
fi

key="$(openssl rand 48 | base64 | tr '+/' '-_' | tr -d '=\n')"
printf '{"keys": [{"kty": "oct", "alg": "HS256", "kid": "%s", "k": "%s"}]}\n' \
  "$(openssl rand -hex 4)" "$key" | keep jwt-keys.json

keep api-keys <<'END'
# Keys of back ends, a line for each: `chat api-key` makes them. None is in force.
END

if [ ! -e tls.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj /CN=chat.localhost -addext subjectAltName=DNS:chat.localhost \
    -keyout key.part -out certificate.part 2>/dev/null
  cat certificate.part key.part | keep tls.pem
  rm key.part certificate.part
fi
