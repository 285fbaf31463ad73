-- Money and tokens: reserve -> meter -> settle. Money is in micro-USD, so that sums are exact.

-- Keyed by what is counted, never by a rule's name: a changed cap or a renamed rule leaves what was spent.
create table budget_window (
  id         bigint primary key generated always as identity,
  scope      text not null,                                    -- fleet | group:P | repo:ID | agent:ID:NAME | root:JOB
  unit       text not null check (unit in ('micro_usd', 'tokens')),
  period     text not null check (period in ('hour', 'day', 'week', 'month', 'lifetime')),
  starts_at  timestamptz not null,
  ends_at    timestamptz,
  spent      bigint not null default 0 check (spent >= 0),
  reserved   bigint not null default 0 check (reserved >= 0),
  warned_at  timestamptz,
  unique (scope, unit, period, starts_at)
) with (fillfactor = 50);

create table ledger (
  id            bigint primary key generated always as identity,
  repo_id       int not null,
  job_id        bigint not null,
  attempt       smallint not null,
  request       text not null,
  provider      text not null,
  model         text,
  input         bigint not null default 0,
  cached        bigint not null default 0,
  cache_writes  bigint not null default 0,
  output        bigint not null default 0,
  micro_usd     bigint not null default 0,
  exact         boolean not null default true,
  at            timestamptz not null default clock_timestamp(),
  unique (job_id, attempt, request)
);

create index ledger_repo on ledger (repo_id, at);

-- A person's one-time raise for one job.
create table budget_grant (
  id         bigint primary key generated always as identity,
  job_id     bigint not null,
  micro_usd  bigint not null default 0,
  tokens     bigint not null default 0,
  actor      text not null,
  reason     text,
  used_at    timestamptz,
  at         timestamptz not null default now()
);

create index budget_grant_job on budget_grant (job_id);
