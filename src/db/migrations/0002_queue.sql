-- The queue: jobs, lanes and slots. Codes of `state` and `agent` are in domain/job-state.ts and domain/agent.ts:
-- 0 queued, 1 running, 2 waiting, 3 publishing, 4 review; 10 and above are final and live in job_done.
-- Lock order everywhere: job -> lane (repo, agent) -> repo_slot -> budget_window (id).

create table repo_slot (
  repo_id      int primary key,
  max_running  int not null,
  running      int not null default 0
) with (fillfactor = 50);

create table lane (
  repo_id      int not null,
  agent        smallint not null,
  max_running  int not null,
  running      int not null default 0,
  ready        int not null default 0,                         -- an integer: a boolean loses jobs
  hold         text,                                           -- kinds of lane_hold, joined; null = free to claim
  served       bigint not null default 0,                      -- transaction that served it last: round robin
  open         boolean not null generated always as (ready > 0 and running < max_running and hold is null) stored,
  primary key (repo_id, agent)
) with (fillfactor = 50);

create index lane_ready on lane (served) where open;
create index lane_ready_agent on lane (agent, served) where open;

-- Why a lane takes no work. `lane.hold` is derived from these rows, in the transaction that changes them.
create table lane_hold (
  repo_id     int not null,
  agent       smallint not null,
  kind        text not null check (kind in
                ('paused', 'suspended', 'disabled', 'removed', 'breaker', 'merge_requests', 'bypassed', 'no_runner')),
  reason      text not null,
  actor       text,
  until       timestamptz,
  created_at  timestamptz not null default now(),
  primary key (repo_id, agent, kind)
);

create index lane_hold_until on lane_hold (until) where until is not null;

create table job (
  id                bigint primary key generated always as identity,
  repo_id           int not null,
  agent             smallint not null,
  priority          smallint not null default 100,             -- smaller goes first
  state             smallint not null default 0,
  attempts          smallint not null default 0,               -- tries so far, the running one included
  uncounted         smallint not null default 0,               -- of these, those that do not count
  runner            int,
  epoch             int,
  claimed_at        timestamptz,
  wait_reason       text,
  wake_at           timestamptz,
  dedupe_key        text,
  root_id           bigint,                                    -- null: it is a root itself
  parent_id         bigint,
  depth             smallint not null default 0,
  title             text not null,
  task              text not null,
  trigger           jsonb not null,                            -- {kind, name, actor, line, …}, frozen
  subject           jsonb,                                     -- {kind: issue|merge_request|commit, …} or null
  trust             text not null,
  staged            boolean not null default false,
  base              text,                                      -- commit it works on; null: the branch's head
  branch            text,                                      -- the branch that carries its work
  merge_request_id  bigint,
  input             jsonb not null default '[]',               -- notes of people: changes, answers, retries
  tokens            bigint not null default 0,
  micro_usd         bigint not null default 0,
  reason            text,                                      -- domain/end-reason.ts, of the last attempt
  detail            text,                                      -- one sentence for people
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index job_queued on job (repo_id, agent, priority, id) where state = 0;
create index job_wake on job (wake_at) where state = 2 and wake_at is not null;
create index job_running on job (runner, epoch) where state = 1;
create unique index job_key on job (dedupe_key) where state < 4 and dedupe_key is not null;
create index job_repo on job (repo_id, id desc);
create index job_root on job (root_id) where root_id is not null;
create index job_parent on job (parent_id) where parent_id is not null;

-- Final jobs, one row each, the same columns. Partitioned by id so that retention drops whole partitions.
create table job_done (
  like job including defaults,
  ended_at  timestamptz not null default now(),
  primary key (id)
) partition by range (id);

create index job_done_repo on job_done (repo_id, id desc);
create index job_done_root on job_done (root_id) where root_id is not null;
create index job_done_parent on job_done (parent_id) where parent_id is not null;

-- The happy path writes none: created, claimed and finished stand in the row. Everything else does.
create table job_event (
  job_id      bigint not null,
  at          timestamptz not null default clock_timestamp(),
  from_state  smallint,
  to_state    smallint not null,
  attempt     smallint not null,
  runner      int,
  epoch       int,
  claimed_at  timestamptz,
  reason      text,
  detail      text,
  actor       text
) partition by range (job_id);

create index job_event_job on job_event (job_id, at);

create table attempt (
  job_id              bigint not null,
  attempt             smallint not null,
  runner              int not null,
  epoch               int not null,
  provider            text not null,
  model               text,
  spec                jsonb not null,                          -- the AgentSpec it obeys, resolved at claim
  digest              text not null,
  revision_id         bigint,
  base                text,
  pid                 int,
  pid_started_at      text,                                    -- start time in clock ticks, from /proc: a pid alone may be reused
  started_at          timestamptz not null default clock_timestamp(),
  ended_at            timestamptz,
  reason              text,
  detail              text,
  counted             boolean not null default true,
  reserved_micro_usd  bigint not null default 0,
  reserved_tokens     bigint not null default 0,
  windows             bigint[] not null default '{}',          -- budget windows that the reservation is held in
  tokens              bigint not null default 0,
  micro_usd           bigint not null default 0,
  exact               boolean not null default true,           -- false: an estimate is in the sum
  sandboxed           boolean not null default true,
  checks              jsonb not null default '[]',             -- [{command, exit, ms}]
  inputs              jsonb,                                   -- blob shas of instructions, memory recalled, prompt digest
  primary key (job_id, attempt)
);

create index attempt_open on attempt (runner, epoch) where ended_at is null;

create table runner (
  id            int primary key generated always as identity,
  key           text not null unique,                          -- lives in the runner's data folder
  epoch         int not null default 0,
  lease_until   timestamptz not null,
  heartbeat_at  timestamptz not null,
  state         text not null default 'active' check (state in ('active', 'draining', 'gone')),
  agents        smallint[] not null,
  providers     text[] not null,
  slots         int not null,
  host          text not null,
  pid           int not null,
  sandbox       jsonb not null,                                -- {mode, protected, reason}
  started_at    timestamptz not null default now()
) with (fillfactor = 50);

create table artifact (
  id          bigint primary key generated always as identity,
  job_id      bigint not null,
  attempt     smallint not null,
  repo_id     int not null,
  base        text not null,
  head        text not null,
  stat        jsonb not null,                                  -- {files, added, removed, paths: […]}
  diff        text not null,                                   -- for people; cut at a bound, says so
  bundle      bytea not null,
  bytes       int not null generated always as (octet_length(bundle)) stored,
  created_at  timestamptz not null default now(),
  unique (job_id, attempt)
);

create table transcript (
  job_id      bigint not null,
  attempt     smallint not null,
  chunk       int not null,
  first_line  int not null,
  lines       int not null,
  body        bytea not null,                                  -- zstd of ndjson
  at          timestamptz not null default clock_timestamp(),
  primary key (job_id, attempt, chunk)
) partition by range (job_id);

-- Makes the partitions for the ids to come; any process may call it at any time.
create function ensure_partitions() returns int language plpgsql as $$
declare
  size constant bigint := 100000;
  parent text;
  wanted bigint;
  made int := 0;
  upto bigint;
begin
  perform pg_advisory_xact_lock(hashtext('autodev.partitions'));
  select coalesce(max(last_value), 0) into upto from pg_sequences
    where schemaname = current_schema() and sequencename = 'job_id_seq';
  foreach parent in array array['job_done', 'job_event', 'transcript'] loop
    for wanted in 0 .. upto / size + 2 loop
      if to_regclass(format('%I', parent || '_' || wanted)) is null then
        execute format('create table %I partition of %I for values from (%s) to (%s)',
                       parent || '_' || wanted, parent, wanted * size, (wanted + 1) * size);
        made := made + 1;
      end if;
    end loop;
    if to_regclass(parent || '_rest') is null then
      execute format('create table %I partition of %I default', parent || '_rest', parent);
    end if;
  end loop;
  return made;
end $$;

select ensure_partitions();
