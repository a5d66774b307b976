/*
Whether the transaction may write an entitlement down without waiting for another one that has, and
without failing because of one: the place is the transaction's until it ends. Of all tenants and
features many share a place, because a transaction cannot hold a lock for each of very many; who
finds the place taken does not remember, which costs nothing but time later.
*/
create or replace function pgledger.may_remember(
  app_id text,
  tenant_id text,
  feature_key text
)
returns boolean
language sql
volatile
parallel unsafe
as $$
  select pg_try_advisory_xact_lock(
    hashtextextended(
      'pgledger.entitlement_cache '
      || hashtextextended(format('%s %s %s', app_id, tenant_id, feature_key), 0) % 64,
      0
    )
  )
$$;

comment on function pgledger.may_remember is
  'Whether an entitlement can be written down without waiting for another transaction.';

revoke all on function pgledger.may_remember from public;
