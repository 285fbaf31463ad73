#!/bin/sh
# Makes the roles of PostgreSQL, or gives them the passwords that stand in the mounted files. It runs by itself when
# the database is made; to rotate a password, change it in Secrets Manager, wait for the operator, and run
#   kubectl exec postgres-0 -- sh /etc/auto-dev-scripts/postgres-roles.sh
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets/auto-dev}

# psql reads each password from its file: none stands in a command line.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\set ECHO none
select 'create role autodev nologin' where not exists (select from pg_roles where rolname = 'autodev') \gexec
select 'create database autodev owner autodev' where not exists (select from pg_database where datname = 'autodev') \gexec
revoke connect, temporary on database autodev from public;
SQL

for role in migrate dashboard webhook scheduler reconciler orchestrator runner backup; do
  ROLE=$role PASSWORD_FILE=$secrets/${role}_password \
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv role ROLE
\set password `cat "$PASSWORD_FILE"`
select format('create role %I login', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
alter role :"role" with login nosuperuser nocreatedb nocreaterole password :'password';
grant connect on database autodev to :"role";
SQL
done

# The schema and its grants belong to `autodev`; what acts as it by default are the processes, never the backup.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
grant autodev to migrate, dashboard, webhook, scheduler, reconciler, orchestrator, runner;
select format('alter role %I in database autodev set role autodev', role)
  from unnest(array['migrate', 'dashboard', 'webhook', 'scheduler', 'reconciler', 'orchestrator', 'runner']) role \gexec
grant pg_read_all_data to backup;
SQL
