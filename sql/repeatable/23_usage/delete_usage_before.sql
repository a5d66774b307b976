/*
Deletes an app's usage events from before a time, at most so many, and returns how many. What may be
deleted of a tenant's, pgledger.purge_bounds says. The tenant's purge line moves there with the
first of them, and nothing older is taken any more, because idempotency keys are forgotten with
their events.

Tenants that earlier calls are through with are left out, until nothing is left of the others: then
all are looked at once more, for what may be deleted by now.

Locks: the events of a tenant, without those that somebody else is purging; then the tenant, on
which recording takes no lock; so one tenant after the other, ascending. The first event is deleted
when all are locked, so who waits for a deletion is not waited for. Who records an event whose key
is being deleted waits for the end of the transaction.
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
        and pgledger.has_usage_between(
          tenants.key, case when v_look = 1 then tenants.purge_from else '-infinity' end, v_before
        )
      order by tenants.key
    loop
      v_tenant := (select tenants from pgledger.tenants where tenants.key = v_tenant_key);
      v_bounds := pgledger.purge_bounds(v_tenant, v_before);
      continue when not pgledger.has_usage_between(v_tenant_key, '-infinity', v_bounds.line);

      v_events := v_events || pgledger.lock_purgeable_usage(
        v_tenant_key, v_bounds.singly_before, v_bounds.gap_starts, v_bounds.gap_ends,
        max_events - cardinality(v_events)
      );
      perform pgledger.move_purge_line(
        v_tenant, v_bounds.line, v_bounds.settles, v_bounds.settled_before,
        to_end => cardinality(v_events) < max_events
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
