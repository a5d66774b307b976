/*
Raises why an account cannot be found: the app or the id is malformed, or there is no such account.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound.
*/
create or replace function pgledger.refuse_account(
  name text,
  account_id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null
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
  v_ok := pgledger.check_id(name, account_id, 'pgla', request_index, request_count);
  return pgledger.fail(
    'AccountNotFound', array[account_id, pgledger.in_app(app_id)], request_index, request_count
  );
end;
$$;

comment on function pgledger.refuse_account is
  'Raises why an account cannot be found; name is the argument that held its id.';

revoke all on function pgledger.refuse_account from public;
