-- Ends attempts and claims jobs in one transaction and one round trip.
--
-- Measured (2 cores, PostgreSQL 15, one interleaved run): 1.42 times graphile-worker with tuned settings in one
-- process, 1.32 times in two; 24-31 thousand claims beside a reaper, a canceller and enqueuers: 0 double,
-- 0 deadlocks, 0 over any limit, 0 drift of the counters.
--
--   p_ids, p_attempts   what ended, fenced with p_runner and p_epoch: (id, attempts, runner, epoch) must all match.
--                       The epoch alone is not enough: the same runner may claim a re-queued job again.
--   p_states            where each goes: final (10+) -> job_done, or 0 queued, 2 waiting, 3 publishing, 4 review
--   p_reasons, p_details, p_wait_reasons, p_wake_at, p_uncounted (0 or 1)
--   p_agents, p_n, p_k  claim at most p_n jobs for these agents, locking at most p_k lanes; a runner that was
--                       replaced (other epoch), drained or given up claims nothing
--
-- Answers the claimed jobs, which are running (state 1), and the ended ones that were accepted, which are not. An
-- end that is missing was stale and changed nothing. Plain rows of job: taking a row apart that comes as one column
-- made a turn of 500 a third slower.
create function turn(
  p_ids bigint[], p_attempts smallint[], p_states smallint[], p_reasons text[], p_details text[],
  p_wait_reasons text[], p_wake_at timestamptz[], p_uncounted smallint[],
  p_runner int, p_epoch int, p_agents smallint[], p_n int, p_k int
) returns setof job
language plpgsql
-- A custom plan would be made anew for every batch, and plans are all by primary key here.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  ended job[];
  done_repo int[]; done_agent smallint[]; done_n int[]; done_ready int[];
  claim_repo int[]; claim_agent smallint[];
begin
  if cardinality(p_ids) > 0 then
    -- `state + 0` keeps the planner from the partial indexes on state: with them a generic plan walked every
    -- running job (275 ms instead of 1 ms for 200 ends at 8,200 running).
    with e as materialized (
      select * from unnest(p_ids, p_attempts, p_states, p_reasons, p_details, p_wait_reasons, p_wake_at, p_uncounted)
        t(id, attempts, state, reason, detail, wait_reason, wake_at, uncounted)
    ), moved as (
      update job j set
        state = e.state, reason = e.reason, detail = e.detail, wait_reason = e.wait_reason, wake_at = e.wake_at,
        uncounted = j.uncounted + e.uncounted, updated_at = clock_timestamp(),
        runner = null, epoch = null
      from e
      where j.id = e.id and j.attempts = e.attempts and j.runner = p_runner and j.epoch = p_epoch
        and j.state + 0 = 1 and e.state < 10
      returning j.*
    ), gone as (
      delete from job j using e
      where j.id = e.id and j.attempts = e.attempts and j.runner = p_runner and j.epoch = p_epoch
        and j.state + 0 = 1 and e.state >= 10
      returning j.id, j.repo_id, j.agent, j.priority, e.state, j.attempts, (j.uncounted + e.uncounted)::smallint as uncounted,
        j.runner, j.epoch, j.claimed_at, null::text as wait_reason, null::timestamptz as wake_at, j.dedupe_key, j.root_id,
        j.parent_id, j.depth, j.title, j.task, j.trigger, j.subject, j.trust, j.staged, j.base, j.branch,
        j.merge_request_id, j.input, j.tokens, j.micro_usd, e.reason, e.detail, j.created_at, clock_timestamp() as updated_at
    ), archived as (
      insert into job_done select gone.*, clock_timestamp() from gone
    ), all_ended as (
      select moved::job as j from moved union all select gone::job from gone
    ), history as (
      insert into job_event (job_id, from_state, to_state, attempt, runner, epoch, claimed_at, reason, detail)
      select m.id, 1, m.state, m.attempts, p_runner, p_epoch, m.claimed_at, m.reason, m.detail from moved m
    )
    select array_agg(a.j) into ended from all_ended a;

    if ended is not null then
      select array_agg(q.repo_id), array_agg(q.agent), array_agg(q.n), array_agg(q.ready)
        into done_repo, done_agent, done_n, done_ready
        from (select (j).repo_id, (j).agent, count(*)::int as n, count(*) filter (where (j).state = 0)::int as ready
                from unnest(ended) j group by 1, 2) q;

      with k as materialized (
        select * from unnest(done_repo, done_agent, done_n, done_ready) t(repo_id, agent, n, ready)
      ), locked as materialized (
        select l.repo_id, l.agent, k.n, k.ready from lane l join k using (repo_id, agent)
        order by l.repo_id, l.agent for update of l
      )
      update lane l set running = l.running - locked.n, ready = l.ready + locked.ready
      from locked where l.repo_id = locked.repo_id and l.agent = locked.agent;
    end if;
  end if;

  if p_n > 0 and exists (select from runner r where r.id = p_runner and r.epoch = p_epoch and r.state = 'active') then
    -- The slots are only looked at here, not locked: without the look, open lanes of full repositories, which
    -- are served last and so stand first, would fill all p_k places, and nobody behind them would ever be served.
    select array_agg(q.repo_id), array_agg(q.agent) into claim_repo, claim_agent
      from (select l.repo_id, l.agent from lane l join repo_slot s using (repo_id)
              where l.agent = any (p_agents) and l.open and s.running < s.max_running
              order by l.served limit p_k for update of l skip locked) q;
  end if;

  -- A statement of its own: slots are locked in order, after every lane, so that nobody waits in a circle.
  perform 1 from (select 1 from repo_slot s
                    where s.repo_id = any (done_repo) or s.repo_id = any (claim_repo)
                    order by s.repo_id for update of s) q;

  if done_repo is not null then
    update repo_slot s set running = s.running - k.n
      from (select t.repo_id, sum(t.n)::int as n from unnest(done_repo, done_n) t(repo_id, n) group by 1) k
      where s.repo_id = k.repo_id;
    return query select e.* from unnest(ended) e;
  end if;

  if claim_repo is null then
    return;
  end if;

  return query
  with l as materialized (
    select l.repo_id, l.agent, l.max_running - l.running as free, l.ready, l.served
    from unnest(claim_repo, claim_agent) x(repo_id, agent) join lane l using (repo_id, agent)
  ), t as materialized (
    -- A repository's free slots are shared between its lanes; 32 a lane and turn keeps one from taking all.
    select l.repo_id, l.agent, l.served,
      least(l.free, l.ready,
            s.max_running - s.running - coalesce(sum(least(l.free, l.ready)) over (
              partition by l.repo_id order by l.served, l.agent
              rows between unbounded preceding and 1 preceding), 0), 32)::int as take
    from l join repo_slot s using (repo_id)
  ), c as materialized (
    select j.id, t.repo_id, t.agent from (select * from t where take > 0 order by served) t
    cross join lateral (
      select j.id from job j
      where j.state = 0 and j.repo_id = t.repo_id and j.agent = t.agent
      order by j.priority, j.id limit t.take for update skip locked
    ) j
    limit p_n
  ), u as (
    update job j set state = 1, attempts = j.attempts + 1, runner = p_runner, epoch = p_epoch,
      claimed_at = clock_timestamp(), updated_at = clock_timestamp(), wait_reason = null, wake_at = null
    from c where j.id = c.id
    returning j.*
  ), k as materialized (
    select c.repo_id, c.agent, count(*)::int as n from c group by 1, 2
  ), lanes as (
    update lane l set running = l.running + k.n, ready = l.ready - k.n, served = pg_current_xact_id()::text::bigint
    from k where l.repo_id = k.repo_id and l.agent = k.agent
  ), slots as (
    update repo_slot s set running = s.running + q.n
    from (select k.repo_id, sum(k.n)::int as n from k group by 1) q where s.repo_id = q.repo_id
  )
  select u.* from u;
end $$;
