/*
The ids of one page of an account's transfers that happened in a range of time, the newest first by
when they were recorded.

There are two sorts. Transfers that gave no event_at happened when they were recorded: they lie in a
range of versions. The others are looked for by event_at, in whatever index is best. Each sort is
read from both sides of the account.

Optional filters vanish when a plan is made for the values at hand.
*/
create or replace function pgledger.page_of_account_by_event(
  account_key bigint,
  lowest bigint,
  highest bigint,
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
declare
  v_group_id text := group_id;
  v_metadata jsonb := metadata;
  v_first bigint := greatest(
    lowest, pgledger.last_version_before(account_key, event_from) + 1
  );
  v_last bigint := least(highest, pgledger.last_version_before(account_key, event_until));
begin
  return array(
    select leg.id
    from (
      (
        select made.id, made.from_version as version
        from pgledger.transfers as made
        where made.from_key = page_of_account_by_event.account_key
          and made.event_at is null
          and made.from_version between v_first and v_last
          and (v_group_id is null or made.group_id = v_group_id)
          and (v_metadata is null or made.metadata @> v_metadata)
          and (tenant_id is null or pgledger.concerns_tenant(made.from_key, made.to_key, tenant_id))
        order by made.from_version desc
        limit page_size
      )
      union all
      (
        select made.id, made.from_version as version
        from pgledger.transfers as made
        where made.from_key = page_of_account_by_event.account_key
          and made.event_at >= event_from
          and made.event_at < event_until
          and made.from_version between lowest and highest
          and (v_group_id is null or made.group_id = v_group_id)
          and (v_metadata is null or made.metadata @> v_metadata)
          and (tenant_id is null or pgledger.concerns_tenant(made.from_key, made.to_key, tenant_id))
        order by made.from_version desc
        limit page_size
      )
      union all
      (
        select made.id, made.to_version as version
        from pgledger.transfers as made
        where made.to_key = page_of_account_by_event.account_key
          and made.event_at is null
          and made.to_version between v_first and v_last
          and (v_group_id is null or made.group_id = v_group_id)
          and (v_metadata is null or made.metadata @> v_metadata)
          and (tenant_id is null or pgledger.concerns_tenant(made.from_key, made.to_key, tenant_id))
        order by made.to_version desc
        limit page_size
      )
      union all
      (
        select made.id, made.to_version as version
        from pgledger.transfers as made
        where made.to_key = page_of_account_by_event.account_key
          and made.event_at >= event_from
          and made.event_at < event_until
          and made.to_version between lowest and highest
          and (v_group_id is null or made.group_id = v_group_id)
          and (v_metadata is null or made.metadata @> v_metadata)
          and (tenant_id is null or pgledger.concerns_tenant(made.from_key, made.to_key, tenant_id))
        order by made.to_version desc
        limit page_size
      )
    ) as leg
    order by leg.version desc
    limit page_size
  );
end;
$$;

comment on function pgledger.page_of_account_by_event is
  'Ids of one page of an account''s transfers that happened in a range of time, the newest first.';

revoke all on function pgledger.page_of_account_by_event from public;
