/*
The ids of an app's transfers that were recorded in a span of time, the newest first, after a
cursor: created_at and id of the last transfer before. Both axes have an index by ranges of pages,
the group and what users add on metadata theirs: which is best, the planner decides for the values
at hand, and filters that are not given vanish.
*/
create or replace function pgledger.page_in_window(
  app_id text,
  window_from timestamptz,
  window_until timestamptz,
  after_at timestamptz,
  after_id text,
  event_from timestamptz,
  event_until timestamptz,
  group_id text,
  metadata jsonb,
  tenant_id text,
  page_size integer
)
returns text[]
language plpgsql
stable
parallel safe
set plan_cache_mode = force_custom_plan
set jit = off
set max_parallel_workers_per_gather = 0
as $$
begin
  return array(
    select transfers.id
    from pgledger.transfers
    where transfers.app_id = page_in_window.app_id
      and transfers.created_at >= window_from
      and transfers.created_at < window_until
      and (
        after_at is null
        or transfers.created_at < after_at
        or transfers.created_at = after_at and transfers.id < after_id
      )
      and (
        event_from is null or coalesce(transfers.event_at, transfers.created_at) >= event_from
      )
      and (
        event_until is null or coalesce(transfers.event_at, transfers.created_at) < event_until
      )
      and (page_in_window.group_id is null or transfers.group_id = page_in_window.group_id)
      and (page_in_window.metadata is null or transfers.metadata @> page_in_window.metadata)
      and (
        tenant_id is null
        or pgledger.concerns_tenant(transfers.from_key, transfers.to_key, tenant_id)
      )
    order by transfers.created_at desc, transfers.id desc
    limit page_size
  );
end;
$$;

comment on function pgledger.page_in_window is
  'Ids of an app''s transfers that were recorded in a span of time, the newest first.';

revoke all on function pgledger.page_in_window from public;
