-- People raise budgets, rows that cannot be handled are set aside, and one job tries a tripped lane.

-- What people added to the cap of this window alone, in its unit.
alter table budget_window add column raised bigint not null default 0 check (raised >= 0);

-- Of a one-time raise, what claims have taken beyond the room of a window.
alter table budget_grant add column used_micro_usd bigint not null default 0;
alter table budget_grant add column used_tokens bigint not null default 0;

-- A `budget` gate asks about one window, and offers raises: {windows: [{id, name, unit, amount}]}.
alter table gate add column window_id bigint;
alter table gate add column ask jsonb;
create unique index gate_one_window on gate (window_id) where state = 'open' and window_id is not null;
create index gate_window on gate (window_id) where window_id is not null;

-- The job that tries whether a tripped lane works again; the others wait for it.
alter table breaker add column probe_job bigint;

-- Rows that could not be handled, for a reason of ours: others go on, this one is tried again later, and seldom.
create table setback (
  sweep     text not null,                                     -- what handles such rows: event, vote, publishing, ...
  row_id    bigint not null,
  tries     smallint not null,
  due_at    timestamptz,                                       -- null: not tried again by itself
  error     text not null,
  first_at  timestamptz not null default now(),
  last_at   timestamptz not null default now(),
  primary key (sweep, row_id)
);

-- How often each of them failed, since the beginning: it only grows.
create table fault (
  sweep  text primary key,
  total  bigint not null
);
