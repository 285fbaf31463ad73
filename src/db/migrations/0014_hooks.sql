-- What GitLab tells us by itself: which deliveries came, and what they ask us to look at. No bodies.

-- One row a delivery, so that a repeated one counts once. Without a foreign key: it would lock the repository's row
-- for every delivery, and registrations are ended, never deleted.
create table hook_delivery (
  repo_id      int not null,
  key          text not null,                                  -- `webhook-id`, `Idempotency-Key` or the body's hash
  received_at  timestamptz not null default now(),
  primary key (repo_id, key)
);

create index hook_delivery_age on hook_delivery using brin (received_at);

-- Things that somebody has to read from the forge; any number of hints about one thing that still waits are one row.
create table forge_hint (
  id           bigint primary key generated always as identity,
  repo_id      int not null,
  subject      text not null,                                  -- domain/hint.ts: `issue:5`, `ref:refs/tags/v1`
  received_at  timestamptz not null default now(),
  taken_until  timestamptz,                                    -- null: nobody began; past: whoever began gave up
  tries        smallint not null default 0,
  error        text
);

-- What arrives while a hint is being followed is a row of its own: what was read already may be older than it.
create unique index forge_hint_waiting on forge_hint (repo_id, subject) where taken_until is null;
create index forge_hint_due on forge_hint (taken_until nulls first, id);

-- How many deliveries ended how, since the beginning. Repository 0: it is not known whose.
create table hook_tally (
  repo_id  int not null,
  outcome  text not null,
  total    bigint not null,
  last_at  timestamptz not null,
  primary key (repo_id, outcome)
);
