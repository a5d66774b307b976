/*
The purge lines of tenants, in a fixed order: before its line a tenant's events may be gone.
A transaction that would not see a purge that commits meanwhile locks the rows instead, so that it
fails when one has.
*/
create or replace function pgledger.purge_lines(
  app_id text,
  tenant_ids text[]
)
returns timestamptz[]
language plpgsql
volatile
parallel unsafe
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform
    from pgledger.tenants
    where tenants.app_id = purge_lines.app_id
      and tenants.tenant_id = any(purge_lines.tenant_ids)
    order by tenants.key
    for share;
  end if;
  return array(
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = purge_lines.app_id
      and tenants.tenant_id = any(purge_lines.tenant_ids)
    order by tenants.key
  );
end;
$$;

comment on function pgledger.purge_lines is
  'Times before which these tenants'' usage events may have been purged.';

revoke all on function pgledger.purge_lines from public;
