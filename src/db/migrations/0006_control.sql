-- Who steers, and the record of it.

-- An order to running parts: pause and its end, cancel, drain. The bus carries the id after the commit.
create table control (
  id          bigint primary key generated always as identity,
  verb        text not null check (verb in ('pause', 'resume', 'cancel', 'drain', 'sync')),
  scope       text not null check (scope in ('fleet', 'repo', 'agent', 'job', 'runner')),
  repo_id     int,
  agent       smallint,
  job_id      bigint,
  runner      int,
  actor       text not null,
  reason      text not null,
  until       timestamptz,
  at          timestamptz not null default now(),
  lifted_at   timestamptz,                                     -- a pause that is over
  lifted_by   text
);

create index control_pause on control (scope, repo_id, agent) where verb = 'pause' and lifted_at is null;
create index control_recent on control (at);
create index control_job on control (job_id) where job_id is not null;

create table control_ack (
  control_id  bigint not null references control on delete cascade,
  runner      int not null,
  at          timestamptz not null default now(),
  primary key (control_id, runner)
);

create table credential (
  name        text primary key,                                -- provider and which key of it
  state       text not null check (state in ('ok', 'throttled', 'exhausted', 'auth_error')),
  until       timestamptz,
  detail      text,
  updated_at  timestamptz not null default now()
);

create table provider_slot (
  provider     text primary key,
  max_running  int not null,
  running      int not null default 0
) with (fillfactor = 50);

-- Failures and runs without progress in a row; three of either trip it.
create table breaker (
  repo_id     int not null,
  agent       smallint not null,
  failures    smallint not null default 0,
  idle_runs   smallint not null default 0,
  tripped_at  timestamptz,
  reason      text,
  primary key (repo_id, agent)
);

-- Insert only; one sealer chains rows later, so that writers never wait for each other.
create table audit (
  id      bigint primary key generated always as identity,
  at      timestamptz not null default clock_timestamp(),
  actor   text not null,
  action  text not null,
  target  text not null,
  repo_id int,
  detail  jsonb not null default '{}',
  hash    bytea
);

create index audit_repo on audit (repo_id, id);

create table token (
  id          bigint primary key generated always as identity,
  hash        bytea not null unique,
  owner       text not null,
  name        text not null,
  role        text not null,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz,
  revoked_at  timestamptz
);

create table session (
  hash        bytea primary key,
  owner       text not null,
  role        text not null,
  data        jsonb not null default '{}',
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null
);

-- Small facts about this instance: its key, when the demo was made.
create table instance (
  name   text primary key,
  value  jsonb not null
);
