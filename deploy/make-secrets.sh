#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml asks for, for development: random keys and passwords,
# and a certificate for localhost that signs itself. Needs openssl. Keeps what is there.
#
#   deploy/make-secrets.sh [FOLDER]      (default: deploy/secrets)
#
# The folder is for its owner only; the files in it can be read by all, as containers run as users
# that this machine does not know, and Docker hands files of a compose stack over as they are.
set -euo pipefail

folder="${1:-$(dirname "$0")/secrets}"
umask 077
mkdir -p "$folder/certs"
chmod 700 "$folder"

# True if all files of a group have to be made, false if all are there; ends where some are.
missing() {
  local file found=0
  for file in "$@"; do
    [ ! -e "$folder/$file" ] || found=$((found + 1))
  done
  if [ "$found" -ne 0 ] && [ "$found" -ne $# ]; then
    echo "$folder: of $* some are there and some are not, and they belong together:" \
      "remove all of them, or put back what is missing." >&2
    exit 1
  fi
  [ "$found" -eq 0 ]
}

put() { # FILE, content from standard input
  cat >"$folder/$1"
  chmod 444 "$folder/$1"
  echo "made $folder/$1"
}

password() { openssl rand -hex 32; }
digest() { printf %s "$1" | openssl dgst -sha256 -r | cut -d' ' -f1; }

if missing redis-url redis.acl redis-exporter.json; then
  chat="$(password)"
  exporter="$(password)"
  echo "redis://chat:$chat@redis:6379/0" | put redis-url
  # Redis gets digests only. `health` can say PING and nothing else.
  put redis.acl <<END
user default off resetpass ~* &* +@all
user chat on #$(digest "$chat") ~chat:* &chat:* +@all -@dangerous +info +role
user exporter on #$(digest "$exporter") resetkeys resetchannels -@all +@connection +info +config|get +slowlog|len +slowlog|get +latency|latest +latency|histogram +dbsize
user health on nopass resetkeys resetchannels -@all +ping
END
  printf '{"redis://redis:6379": "%s", "redis://exporter@redis:6379": "%s"}\n' \
    "$exporter" "$exporter" | put redis-exporter.json
fi

if missing jwt-keys.json loadtest-jwt-secret; then
  secret="$(openssl rand -base64 48 | tr '+/' '-_' | tr -d '=\n')"
  encoded="$(printf %s "$secret" | openssl base64 -A | tr '+/' '-_' | tr -d '=')"
  printf '{"keys": [{"kty": "oct", "alg": "HS256", "kid": "development", "k": "%s"}]}\n' \
    "$encoded" | put jwt-keys.json
  printf '%s\n' "$secret" | put loadtest-jwt-secret
fi

if missing api-keys; then
  put api-keys <<'END'
# Keys of back ends, a line for each: `chat api-key` makes them. None is in force.
END
fi

if missing webhooks.toml webhook-secret; then
  printf 'whsec_%s\n' "$(openssl rand -base64 32)" | put webhook-secret
  put webhooks.toml <<'END'
# Endpoints of webhooks: docs/webhooks.md. There is none; one looks like this:
#
# [[endpoint]]
# name = "crm"
# url = "https://crm.example/hooks/chat"
# secret_file = "webhook-secret"
END
fi

if missing grafana-password; then
  password | put grafana-password
fi

if missing certs/localhost.pem; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -sha256 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,DNS:haproxy,IP:127.0.0.1 \
    -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null
  cat "$folder/certificate.pem" "$folder/key.pem" | put certs/localhost.pem
  rm "$folder/key.pem" "$folder/certificate.pem"
fi
chmod 755 "$folder/certs"
