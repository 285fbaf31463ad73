-- Repositories, what their autodev.yaml says, and how reading it went.

create table repo (
  id          int primary key generated always as identity,
  path        text not null unique check (path <> ''),         -- what people type: `group/app`, `demo`
  forge       text not null check (forge in ('local', 'gitlab')),
  location    text not null,                                   -- absolute path (local) or project id (GitLab)
  branch      text not null,                                   -- the default branch, fixed at registration
  created_at  timestamptz not null default now(),
  removed_at  timestamptz,
  unique (forge, location)
);

-- One row a repository, apart from `repo` because every pass touches it. The lease is a column, not a
-- transaction: who holds `epoch` may write, whoever lost it changes nothing.
create table repo_sync (
  repo_id          int primary key references repo on delete cascade,
  priority         smallint not null default 0,                -- raised in place; > 0 = dirty, someone waits
  dirty_at         timestamptz,
  next_at          timestamptz not null default now(),         -- when it is looked at even if nobody says so
  lease_owner      text,
  lease_until      timestamptz,
  epoch            bigint not null default 0,
  head             text,                                       -- the default branch's head seen last
  checked_at       timestamptz,
  observed_digest  text,                                       -- head's verdict: inputs ‖ schema ‖ policy
  revision_id      bigint,                                     -- in force; null until one was applied
  failures         int not null default 0,
  missing_reads    smallint not null default 0,                -- "absent" counts only at the second read
  suspended        text,                                       -- why nothing is claimed; null = not suspended
  confirmed_prune  text,                                       -- digest of the plan whose retirements were confirmed
  conditions       jsonb not null default '[]',
  diagnostics      jsonb not null default '[]'                 -- of the newest file, whether in force or not
) with (fillfactor = 70);

create index repo_sync_due on repo_sync (priority desc, next_at);

create table revision (
  id           bigint primary key generated always as identity,
  repo_id      int not null references repo on delete cascade,
  commit       text not null,
  blobs        jsonb not null,                                 -- path -> blob sha of every file it read
  digest       text not null,
  state        text not null check (state in ('applied', 'invalid', 'held', 'superseded')),
  spec         jsonb,                                          -- the resolved file (domain/spec.ts RepoSpec)
  source       text not null,                                  -- the file as it was read
  author       text not null,
  subject      text not null,
  plan         jsonb,
  diagnostics  jsonb not null default '[]',
  hold         jsonb,                                          -- why it is held, and by which gate or digest
  created_at   timestamptz not null default now(),
  applied_at   timestamptz,
  unique (repo_id, commit, digest)
);

create index revision_latest on revision (repo_id, id desc);

create table config_object (
  repo_id      int not null references repo on delete cascade,
  kind         text not null check (kind in ('repo', 'agent', 'schedule', 'trigger', 'budget', 'approval')),
  name         text not null,
  spec         jsonb not null,
  hash         text not null,
  line         int not null,
  revision_id  bigint not null,                                -- the revision that last changed it
  retired_at   timestamptz,
  primary key (repo_id, kind, name)
);

create table schedule (
  id          bigint primary key generated always as identity,
  repo_id     int not null references repo on delete cascade,
  name        text not null,
  spec        jsonb not null,                                  -- domain/spec.ts ScheduleSpec
  next_at     timestamptz,                                     -- the nominal time; null = never again
  due_at      timestamptz,                                     -- next_at plus jitter
  retired_at  timestamptz,
  unique (repo_id, name)
);

create index schedule_due on schedule (due_at) where retired_at is null and due_at is not null;

create table occurrence (
  schedule_id  bigint not null references schedule on delete cascade,
  nominal_at   timestamptz not null,
  state        text not null check (state in ('fired', 'skipped')),
  reason       text,
  job_id       bigint,
  commit       text,
  created_at   timestamptz not null default now(),
  primary key (schedule_id, nominal_at)
);
