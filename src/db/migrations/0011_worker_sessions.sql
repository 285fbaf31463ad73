-- What a worker's program can go on from in a later attempt: the one file that it keeps of a conversation.
create table worker_session (
  job_id      bigint primary key,
  provider    text not null,
  model       text,
  session_id  text not null,
  path        text not null,                                   -- below the worker's home
  content     bytea not null,                                  -- compressed
  used        jsonb not null,                                  -- tokens of all its runs, as the program counted them
  trust       text not null,                                   -- resumed in a job of the same trust only
  at          timestamptz not null default now()
);

create index worker_session_age on worker_session (at);
