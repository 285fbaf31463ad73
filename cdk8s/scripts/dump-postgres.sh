#!/bin/sh
# Dumps the database to WORK, which goes away with the pod; encrypt.sh takes it from there.
# PGSERVICEFILE names who connects, and holds the password.
set -eu
umask 077
out=${WORK:-/work}/postgres.dump
pg_dump --format=custom --no-password --file="$out.part" service=autodev
# A dump that cannot be listed cannot be restored.
pg_restore --list "$out.part" > /dev/null
mv "$out.part" "$out"
