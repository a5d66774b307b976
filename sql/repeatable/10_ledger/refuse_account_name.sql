/*
Raises why a name does not lead to one account: there is none of it, or there are several. These are
counted here and not where a name is looked up, which reads two of them at most.

Errors: AccountNotFound, AccountAmbiguous.
*/
create or replace function pgledger.refuse_account_name(
  name text,
  currency text,
  app_id text,
  tenant_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_words text := pgledger.account_words(name, currency, tenant_id);
  v_count bigint;
  v_first_id text;
  v_last_id text;
  v_ok boolean;
begin
  select count(*), min(accounts.id), max(accounts.id)
  into v_count, v_first_id, v_last_id
  from pgledger.accounts
  where accounts.app_id = refuse_account_name.app_id
    and accounts.tenant_id = refuse_account_name.tenant_id
    and accounts.name = refuse_account_name.name
    and accounts.currency = refuse_account_name.currency;

  if v_count > 1 then
    v_ok := pgledger.fail(
      'AccountAmbiguous',
      array[v_words, pgledger.in_app(app_id), v_count::text, v_first_id, v_last_id],
      request_index,
      request_count
    );
  end if;

  return pgledger.fail(
    'AccountNotFound', array[v_words, pgledger.in_app(app_id)], request_index, request_count,
    'Check the name, the currency, the tenant_id and the app_id: an account is found only under '
    'all that it was opened with.'
  );
end;
$$;

comment on function pgledger.refuse_account_name is
  'Raises AccountNotFound or AccountAmbiguous for a name that does not lead to one account.';

revoke all on function pgledger.refuse_account_name from public;
