-- What the orchestrator's sweeps look for each second, and partitions that retention may drop.

-- Jobs that work on a merge request, or are about one.
create index job_merge_request on job (merge_request_id) where merge_request_id is not null;

-- Makes the partitions for the ids to come, from the current id on: one that retention dropped does not come back.
-- A job with an old id that ends late goes to the default partition.
create or replace function ensure_partitions() returns int language plpgsql as $$
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
    for wanted in upto / size .. upto / size + 2 loop
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

-- Drops a partition of one of our tables, and nothing else.
create function drop_partition(name text) returns void language plpgsql as $$
begin
  if not exists (
    select from pg_inherits i
    where i.inhrelid = to_regclass(format('%I', name))
      and i.inhparent in (to_regclass('job_done'), to_regclass('job_event'), to_regclass('transcript'))
  ) then
    raise exception '% is no partition that may be dropped', name;
  end if;
  execute format('drop table %I', name);
end $$;
