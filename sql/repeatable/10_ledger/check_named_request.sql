/*
Refuses a request by name whose own values are wrong, whatever the accounts hold. The order of the
checks is part of the interface: both names and the currency, both tenants, that the accounts
differ, the amount, event_at, metadata, the id.

Errors: InvalidName, InvalidCurrency, NullArgument, InvalidScope, SameAccount, and those of
pgledger.check_request_details.
*/
create or replace function pgledger.check_named_request(
  from_name text,
  to_name text,
  amount numeric,
  currency text,
  event_at timestamptz,
  metadata jsonb,
  id text,
  from_tenant_id text,
  to_tenant_id text,
  allow_future_event_at boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_account_name(from_name, currency, request_index, request_count);
  v_ok := pgledger.check_account_name(to_name, currency, request_index, request_count);
  v_ok := pgledger.check_scope(
    'from_tenant_id', from_tenant_id, 0, 128, request_index, request_count
  );
  v_ok := pgledger.check_scope(
    'to_tenant_id', to_tenant_id, 0, 128, request_index, request_count
  );

  if from_name = to_name and from_tenant_id = to_tenant_id then
    v_ok := pgledger.fail(
      'SameAccount', array[pgledger.account_words(from_name, currency, from_tenant_id)],
      request_index, request_count
    );
  end if;

  return pgledger.check_request_details(
    amount, event_at, metadata, id, allow_future_event_at, request_index, request_count
  );
end;
$$;

comment on function pgledger.check_named_request is
  'Raises the first thing that is wrong with a request by name by itself.';

revoke all on function pgledger.check_named_request from public;
