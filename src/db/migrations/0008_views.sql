-- What lists, numbers and traces read. Beside `job` itself: its rows move all the time, and every index is paid for
-- at each claim.

-- Which ask the last look has answered: whoever asked waits for this, not for "nothing is asked", which another
-- ask may put off for ever.
alter table repo_sync add column answered_at timestamptz;

create index job_done_ended on job_done (ended_at) include (state);
create index ledger_at on ledger (at);

-- Gates, who waits longest first: of all repositories, and those of one in any state.
create index gate_open_all on gate (id) where state = 'open';
create index gate_repo on gate (repo_id, id);
create index control_repo on control (repo_id, id);

-- From a commit, or how one begins, back to the job.
create index artifact_head on artifact (head text_pattern_ops);
create index merge_request_head on merge_request (head text_pattern_ops);
create index merge_request_merged on merge_request (merged_commit text_pattern_ops) where merged_commit is not null;
create index revision_commit on revision (commit text_pattern_ops);
create index job_done_commit on job_done (repo_id, (trigger ->> 'commit'), id desc) where trigger ? 'commit';
