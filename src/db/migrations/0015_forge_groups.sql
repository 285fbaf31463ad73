-- Groups of a forge whose projects are registered by themselves, also those that come later.

create table forge_group (
  id          int primary key generated always as identity,
  path        text not null unique,
  include     text[] not null default '{}',                    -- globs; empty: every project
  exclude     text[] not null default '{}',
  added_by    text not null,
  created_at  timestamptz not null default now(),
  looked_at   timestamptz
);
