/*
Names an account in a message by what a caller gave. The empty tenant is not named: most callers
know of no tenants.
*/
create or replace function pgledger.account_words(name text, currency text, tenant_id text)
returns text
language sql
immutable
parallel safe
as $$
  select
    quote_literal(pgledger.abridged(name)) || ' in ' || currency
    || case when tenant_id <> '' then ' of tenant ' || quote_literal(tenant_id) else '' end
$$;

comment on function pgledger.account_words is
  'The words in which a message names an account by its name, currency and tenant.';

revoke all on function pgledger.account_words from public;
