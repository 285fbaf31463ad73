#!/bin/sh
# Restores a backup into the database that PGSERVICEFILE (or PG* variables) names, in one transaction: afterwards it is
# as it was at the dump, or as it was before. Needs the ops private key in the keyring, so it runs where that is.
#   sh restore-postgres.sh postgres.dump-20260101T021700Z.gpg
set -eu
[ $# -eq 1 ] || { echo "usage: restore-postgres.sh FILE.gpg" >&2; exit 64; }
plain=$(mktemp)
trap 'rm -f "$plain"' EXIT
# First to a file: gpg judges the whole before a byte of it reaches the database.
gpg --batch --quiet --yes --output "$plain" --decrypt "$1"
pg_restore --list "$plain" > /dev/null
pg_restore --dbname="${PGDATABASE_URL:-service=autodev}" --clean --if-exists --no-owner --role=autodev \
  --single-transaction --exit-on-error "$plain"
echo "restored $1"
