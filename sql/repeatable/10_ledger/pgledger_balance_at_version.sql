/*
The balance that an account had right after the entry of a version.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound, InvalidArgument.
*/
create or replace function @extschema@.pgledger_balance_at_version(
  account_id text,
  version bigint,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if version is null then
    v_ok := pgledger.fail('NullArgument', array['version']);
  elsif version not between 0 and v_account.version then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'version', version::text,
        format('account %s has the versions 0 to %s', account_id, v_account.version)
      ]
    );
  end if;

  return pgledger.version_balance(v_account.key, version);
end;
$$;

comment on function @extschema@.pgledger_balance_at_version is
$$Returns an account's balance right after its entry of a version.

A version is exact where a time may not be: programs that keep milliseconds
cut off what a created_at has beyond them, and pgledger_balance_at then
answers for the moment before.

account_id: Whose balance.
version: Number of the entry on the account, such as a transfer's
  from_account_version; 0 for before the first one.
app_id: Set of books that the account belongs to.

Returns: The balance in units of the account's currency.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidArgument (the account has no such
  version).$$;

revoke all on function @extschema@.pgledger_balance_at_version from public;
grant execute on function @extschema@.pgledger_balance_at_version to pgledger_reader;
