/*
Whether one of two accounts is a tenant's.
*/
create or replace function pgledger.concerns_tenant(
  from_key bigint,
  to_key bigint,
  tenant_id text
)
returns boolean
language sql
stable
parallel safe
as $$
  select exists (
    select
    from pgledger.accounts
    where accounts.key in (concerns_tenant.from_key, concerns_tenant.to_key)
      and accounts.tenant_id = concerns_tenant.tenant_id
  )
$$;

comment on function pgledger.concerns_tenant is 'Whether one of two accounts is a tenant''s.';

revoke all on function pgledger.concerns_tenant from public;
