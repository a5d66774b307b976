/*
Deletes an app's usage events from before a time, at most so many, and returns how many. What may be
deleted of a tenant's, pgledger.purge_bounds says. The tenant's purge line moves there with the
first of them, and nothing older is taken any more, because idempotency keys are forgotten with
their events.

Tenants that earlier calls are through with are left out, and those that had nothing to delete,
until nothing is left of the others: then all are looked at once more, for what may be deleted by
now.

Locks: the tenants of whom events are deleted, ascending. Nobody else holds an event of theirs then,
because corrections lock the tenant before the event; so events need no locks of their own, which
would cost as much as deleting them. Recording takes no lock on tenants. The first event is deleted
when all tenants are locked, so who waits for a deletion is not waited for. Who records an event
whose key is being deleted waits for the end of the transaction. Tenants who have nothing to delete
are locked as well, to note that, but not waited for.
*/
create or replace function pgledger.delete_usage_before(
  app_id text,
  before timestamptz,
  max_events integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
set enable_bitmapscan = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_before timestamptz := date_bin('1 hour', before, timestamptz '2000-01-01 00:00:00+00');
  v_tenant_key integer;
  v_tenant pgledger.tenants;
  v_bounds record;
  v_events tid[] := '{}';
  v_deleted bigint;
begin
  for v_look in 1..2 loop
    for v_tenant_key in
      select tenants.key
      from pgledger.tenants
      where tenants.app_id = delete_usage_before.app_id
        and (v_look = 2 or tenants.purge_from < v_before)
      order by tenants.key
    loop
      v_tenant := (select tenants from pgledger.tenants where tenants.key = v_tenant_key);
      continue when not pgledger.has_usage_between(
        v_tenant_key, case when v_look = 1 then v_tenant.purge_from else '-infinity' end, v_before
      );
      v_bounds := pgledger.purge_bounds(v_tenant, v_before);
      if not pgledger.has_usage_between(v_tenant_key, '-infinity', v_bounds.line) then
        update pgledger.tenants
        set purge_from = v_before
        where tenants.key = (
          select seen.key
          from pgledger.tenants as seen
          where seen.key = v_tenant_key and seen.purge_from < v_before
          for no key update skip locked
        );
        continue;
      end if;

      perform from pgledger.tenants where tenants.key = v_tenant_key for no key update;
      v_events := v_events || pgledger.purgeable_usage(
        v_tenant_key, v_bounds.singly_before, v_bounds.gap_starts, v_bounds.gap_ends,
        max_events - cardinality(v_events)
      );
      perform pgledger.move_purge_line(
        v_tenant, v_bounds.line, v_bounds.settles, v_bounds.settled_before,
        purge_from => case when cardinality(v_events) < max_events then v_before end
      );
      exit when cardinality(v_events) >= max_events;
    end loop;
    exit when cardinality(v_events) > 0;
  end loop;

  delete from pgledger.usage_events
  where usage_events.ctid = any(v_events);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

comment on function pgledger.delete_usage_before is
  'Deletes an app''s usage events from before a time, at most so many, and moves the purge line.';

revoke all on function pgledger.delete_usage_before from public;
