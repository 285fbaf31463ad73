-- Requests to one host of a forge, shared by every process that asks it.

create table forge_budget (
  host           text primary key,                             -- with its port
  window_ends    timestamptz not null,
  remaining      int not null,                                 -- requests until window_ends
  blocked_until  timestamptz                                   -- the forge said: not before
) with (fillfactor = 50);
