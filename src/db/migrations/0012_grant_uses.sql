-- What an attempt took from the grants of its job to go beyond a window, in the window's unit. Gone when it ended:
-- then what it did not spend is the job's again, and no room for others.
create table grant_use (
  job_id     bigint not null,
  attempt    smallint not null,
  root_id    bigint not null,
  window_id  bigint not null,
  amount     bigint not null check (amount > 0),
  primary key (job_id, attempt, window_id)
);
