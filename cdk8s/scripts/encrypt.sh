#!/bin/sh
# Encrypts every file of WORK to the ops key, into BACKUPS, and keeps the newest KEEP of each kind. The private key is
# nowhere in the cluster: what is stolen here cannot be read.
set -eu
umask 077
work=${WORK:-/work}
backups=${BACKUPS:-/backups}
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
now=$(date -u +%Y%m%dT%H%M%SZ)

found=0
for file in "$work"/*; do
  [ -f "$file" ] || continue
  found=1
  kind=$(basename "$file")
  gpg --no-options --homedir "$home" --batch --quiet --no-tty --trust-model always \
    --recipient-file "${OPS_KEY:-/etc/auto-dev-scripts/ops.asc}" --output "$backups/$kind-$now.gpg.part" --encrypt "$file"
  # Complete, or not there: a reader never sees half a dump.
  sync "$backups/$kind-$now.gpg.part"
  mv "$backups/$kind-$now.gpg.part" "$backups/$kind-$now.gpg"
  rm -f "$file"
  ls -1 "$backups" | grep "^$kind-[0-9TZ]*\.gpg$" | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do
    rm -f "${backups:?}/$old"
  done
  echo "{\"level\":\"info\",\"msg\":\"backup written\",\"file\":\"$kind-$now.gpg\"}"
done
[ "$found" = 1 ] || { echo "nothing to encrypt in $work: the dump before this failed" >&2; exit 1; }
