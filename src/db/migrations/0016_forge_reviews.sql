-- Merge requests of a forge at which people vote, and what we know of our own part in them.

create table forge_review (
  repo_id           int not null references repo on delete cascade,
  number            int not null,
  kind              text not null check (kind in ('merge', 'run', 'config')),
  merge_request_id  bigint,                                    -- of an agent's work
  gate_id           bigint,                                    -- where it stands for a gate of its own
  published         text[] not null default '{}',              -- heads that we published, oldest first
  threads           text[] not null default '{}',              -- to be answered with the next head
  handled           text[] not null default '{}',              -- notes that were commands, and were carried out
  cleared           text,                                      -- the head that was approved when we began to merge
  state             text not null default 'open' check (state in ('open', 'done')),
  due_at            timestamptz not null default now(),
  lease_until       timestamptz,
  epoch             bigint not null default 0,
  failures          int not null default 0,
  error             text,
  said              text,                                      -- our note there, as we wrote it last
  verdict           jsonb,                                     -- what the last look came to
  looked_at         timestamptz,
  reminded_at       timestamptz,
  primary key (repo_id, number)
);

create index forge_review_due on forge_review (due_at) where state = 'open';
create index forge_review_merge_request on forge_review (merge_request_id) where merge_request_id is not null;

-- The ids that the names in a file's rules had when it was applied.
create table name_binding (
  revision_id  bigint primary key references revision on delete cascade,
  users        jsonb not null,
  groups       jsonb not null,
  bound_at     timestamptz not null default now()
);
