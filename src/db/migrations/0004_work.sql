-- What comes of a job: effects, merge requests, gates and votes, and what people said.

create table effect (
  id           bigint primary key generated always as identity,
  repo_id      int not null,
  job_id       bigint,                                         -- null: our own (plan note, sticky issue)
  attempt      smallint,
  position     smallint not null default 0,                    -- effect n + 1 starts after n
  type         text not null,
  payload      jsonb not null,
  key          text not null unique,                           -- idempotency
  state        text not null default 'pending'
                 check (state in ('pending', 'running', 'done', 'failed', 'staged', 'cancelled')),
  lease_until  timestamptz,
  epoch        int not null default 0,
  tries        smallint not null default 0,
  due_at       timestamptz not null default now(),
  result       jsonb,
  error        text,
  created_at   timestamptz not null default now(),
  done_at      timestamptz
);

create index effect_due on effect (due_at) where state in ('pending', 'running');
create index effect_job on effect (job_id, position);

create table merge_request (
  id             bigint primary key generated always as identity,
  repo_id        int not null references repo on delete cascade,
  number         int not null,                                 -- counts from 1 in each repository
  job_id         bigint not null,                              -- the newest job that works on it
  root_id        bigint not null,
  branch         text not null,
  base           text not null,
  head           text not null,
  title          text not null,
  description    text not null,
  state          text not null default 'open' check (state in ('open', 'merged', 'closed')),
  draft          boolean not null default false,
  merged_commit  text,
  merged_by      text,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  closed_at      timestamptz,
  unique (repo_id, number)
);

create unique index merge_request_branch on merge_request (repo_id, branch) where state = 'open';

create table issue (
  id           bigint primary key generated always as identity,
  repo_id      int not null references repo on delete cascade,
  number       int not null,
  job_id       bigint,
  key          text,                                           -- of a sticky issue that closes itself
  title        text not null,
  description  text not null,
  labels       text[] not null default '{}',
  state        text not null default 'open' check (state in ('open', 'closed')),
  created_at   timestamptz not null default now(),
  closed_at    timestamptz,
  unique (repo_id, number)
);

create table note (
  id                bigint primary key generated always as identity,
  repo_id           int not null references repo on delete cascade,
  merge_request_id  bigint references merge_request on delete cascade,
  issue_id          bigint references issue on delete cascade,
  job_id            bigint,
  author            text not null,
  kind              text not null check (kind in ('comment', 'review', 'plan')),
  body              text not null,
  path              text,
  line              int,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
);

create index note_merge_request on note (merge_request_id, id);

create table gate (
  id                bigint primary key generated always as identity,
  repo_id           int not null references repo on delete cascade,
  job_id            bigint,
  merge_request_id  bigint,
  revision_id       bigint,
  kind              text not null check (kind in ('run', 'merge', 'config', 'question', 'budget', 'rounds')),
  state             text not null default 'open'
                      check (state in ('open', 'approved', 'rejected', 'changes', 'answered', 'expired', 'superseded')),
  head              text,                                      -- votes bind to it
  title             text not null,
  body              text not null,
  rules             jsonb not null default '[]',               -- [{name, rule: ApprovalRule}] that must all be met
  requesters        text[] not null default '{}',
  protected         boolean not null default true,             -- false: the worker was not sandboxed
  decided_vote      bigint,                                    -- votes up to this one were looked at
  problem           jsonb,                                     -- why the last decision could not be carried out
  opened_at         timestamptz not null default now(),
  closed_at         timestamptz,
  closed_by         text,
  note              text,
  expires_at        timestamptz
);

create index gate_open on gate (repo_id, id) where state = 'open';
create index gate_job on gate (job_id) where job_id is not null;
create unique index gate_one_open on gate (job_id, kind) where state = 'open' and job_id is not null;
create index gate_expires on gate (expires_at) where state = 'open' and expires_at is not null;

create table vote (
  id       bigint primary key generated always as identity,
  gate_id  bigint not null references gate on delete cascade,
  voter    text not null,
  role     text not null,
  verdict  text not null check (verdict in ('approve', 'reject', 'changes', 'answer')),
  head     text,
  note     text,
  self     boolean not null default false,
  via      text not null check (via in ('cli', 'api', 'dashboard', 'merge', 'branch_deleted', 'note', 'approval')),
  at       timestamptz not null default now()
);

create index vote_gate on vote (gate_id, id);

-- What happened outside, once each; the orchestrator makes jobs of it.
create table event (
  id           bigint primary key generated always as identity,
  repo_id      int not null references repo on delete cascade,
  type         text not null,
  payload      jsonb not null,
  key          text not null unique,
  effect_id    bigint,                                         -- an act of ours caused it
  received_at  timestamptz not null default now(),
  handled_at   timestamptz,
  outcome      jsonb
);

create index event_new on event (id) where handled_at is null;

create table run_note (
  job_id      bigint primary key,
  repo_id     int not null,
  agent       smallint not null,
  outcome     text not null,
  reason      text,
  title       text not null,
  summary     text not null,
  paths       text[] not null default '{}',
  trust       text not null,
  accepted    boolean not null default false,
  created_at  timestamptz not null default now()
);

create index run_note_recent on run_note (repo_id, agent, job_id desc);
