/*
The ids of one page of an account's transfers, the newest first. Recorded times are a range of
versions, so a page reads its own rows, and those between them that a filter leaves out.

Optional filters vanish when a plan is made for the values at hand.
*/
create or replace function pgledger.page_of_account(
  account_key bigint,
  lowest bigint,
  highest bigint,
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
    select leg.id
    from (
      (
        select transfers.id, transfers.from_version as version
        from pgledger.transfers
        where transfers.from_key = page_of_account.account_key
          and transfers.from_version between lowest and highest
          and (page_of_account.group_id is null or transfers.group_id = page_of_account.group_id)
          and (
            page_of_account.metadata is null or transfers.metadata @> page_of_account.metadata
          )
          and (
            tenant_id is null
            or pgledger.concerns_tenant(transfers.from_key, transfers.to_key, tenant_id)
          )
        order by transfers.from_version desc
        limit page_size
      )
      union all
      (
        select transfers.id, transfers.to_version
        from pgledger.transfers
        where transfers.to_key = page_of_account.account_key
          and transfers.to_version between lowest and highest
          and (page_of_account.group_id is null or transfers.group_id = page_of_account.group_id)
          and (
            page_of_account.metadata is null or transfers.metadata @> page_of_account.metadata
          )
          and (
            tenant_id is null
            or pgledger.concerns_tenant(transfers.from_key, transfers.to_key, tenant_id)
          )
        order by transfers.to_version desc
        limit page_size
      )
    ) as leg
    order by leg.version desc
    limit page_size
  );
end;
$$;

comment on function pgledger.page_of_account is
  'Ids of one page of an account''s transfers in a range of versions, the newest first.';

revoke all on function pgledger.page_of_account from public;
