-- The configuration on merge requests of people: what was planned for each, and what we keep equal to it there.

-- Our own effects about one thing (a note, a status, an issue) are carried out one after the other, so that two
-- processes never make it twice. Each holds the whole wish, so the last one is what counts.
alter table effect add column subject text;

create index effect_subject on effect (subject, id desc) where subject is not null;

-- One row a merge request that somebody told us about or that a scan found. The lease is a column, as in repo_sync.
create table config_plan (
  repo_id        int not null references repo on delete cascade,
  number         int not null,
  state          text not null default 'new' check (state in (
                   'new', 'unrelated', 'planned', 'unchanged', 'invalid', 'stale',
                   'merged', 'applied', 'differs', 'refused', 'closed')),
  asked_at       timestamptz default clock_timestamp(),        -- something happened to it; null: answered
  due_at         timestamptz not null default now(),
  lease_until    timestamptz,
  epoch          bigint not null default 0,
  failures       int not null default 0,
  error          text,
  head           text,                                         -- what the verdict is about
  target_head    text,                                         -- and all that it depended on: the default branch,
  revision_id    bigint,                                       -- what was in force,
  inputs         text,                                         -- policy, schema and credentials
  digest         text,                                         -- of the configuration that would come
  objects        jsonb,                                        -- [{kind, name, hash}] of it
  merged_commit  text,
  merged_at      timestamptz,
  updated_at     timestamptz not null default now(),
  primary key (repo_id, number)
);

create index config_plan_due on config_plan (due_at) where asked_at is not null;
create index config_plan_open on config_plan (repo_id) where state in ('planned', 'unchanged', 'invalid', 'stale');

-- When the merge requests of a repository are listed next, for those that no hook told us about.
create table merge_request_scan (
  repo_id  int primary key references repo on delete cascade,
  next_at  timestamptz not null default now(),
  since    timestamptz                                         -- those that changed before were seen
);

-- An offer of a first autodev.yaml. One that was declined is remembered, and not made again by itself.
create table onboarding (
  repo_id       int primary key references repo on delete cascade,
  state         text not null default 'wanted' check (state in ('wanted', 'open', 'merged', 'declined', 'superseded')),
  asked_by      text not null,
  asked_at      timestamptz not null default now(),
  number        int,                                           -- of the merge request
  content       text,                                          -- of the file as we wrote it last
  due_at        timestamptz not null default now(),
  lease_until   timestamptz,
  epoch         bigint not null default 0,
  failures      int not null default 0,
  error         text,
  ended_by      text,
  updated_at    timestamptz not null default now()
);

create index onboarding_due on onboarding (due_at) where state in ('wanted', 'open');

-- What our marks in other people's systems are signed with, so that one that somebody made up is not taken for ours.
create table instance_key (
  one   boolean primary key default true check (one),
  key   text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
);

insert into instance_key default values;
