/*
Refuses filters of a list of accounts that no account can match. Null is no filter, but for app_id.

Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidTime, InvalidMetadata.
*/
create or replace function pgledger.check_list_of_accounts(
  prefix text,
  currency text,
  created_from timestamptz,
  created_until timestamptz,
  metadata jsonb,
  app_id text,
  tenant_id text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if tenant_id is not null then
    v_ok := pgledger.check_scope('tenant_id', tenant_id);
  end if;
  v_ok := pgledger.check_prefix(prefix);
  if pgledger.text_fault(currency, 1, 32, false) is not null and currency is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency',
      array[
        quote_literal(pgledger.abridged(currency)), pgledger.text_fault(currency, 1, 32, false)
      ]
    );
  end if;
  v_ok := pgledger.check_listed_times(
    array['created_from', 'created_until'], array[created_from, created_until]
  );
  v_ok := pgledger.check_metadata(metadata);

  return true;
end;
$$;

comment on function pgledger.check_list_of_accounts is
  'Raises what is wrong with the filters of a list of accounts.';

revoke all on function pgledger.check_list_of_accounts from public;
