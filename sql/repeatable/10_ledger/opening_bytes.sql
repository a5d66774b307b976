/*
An account as it was opened, as seals have it, in version 1 of the form.
*/
create or replace function pgledger.opening_bytes(account pgledger.accounts)
returns bytea
language sql
stable
parallel safe
as $$
  select record_send(
    row(
      0, account.key, convert_to(account.id, 'UTF8'), convert_to(account.app_id, 'UTF8'),
      convert_to(account.tenant_id, 'UTF8'), convert_to(account.currency, 'UTF8'),
      account.created_at, convert_to(created.value ->> 'name', 'UTF8'),
      convert_to(created.value ->> 'min_balance', 'UTF8'),
      convert_to(created.value ->> 'max_balance', 'UTF8'),
      convert_to((created.value -> 'metadata')::text, 'UTF8')
    )
  )
  from pgledger.account_as_created(account.id) as created (value)
$$;

comment on function pgledger.opening_bytes is 'An account as it was opened, as seals have it.';

revoke all on function pgledger.opening_bytes from public;
