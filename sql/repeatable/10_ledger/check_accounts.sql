/*
First refuses requests whose account ids are not ids; then those whose accounts do not exist in the
app or are in different currencies. The lowest request is named first. Within a request the order
is: the account it leaves, the account it reaches, the currencies.

Only accounts that the caller has locked are taken to exist. An account that was created while the
caller waited for those locks can be seen by now, but it is not locked: anyone may be changing it.

Errors: NullArgument, InvalidId, AccountNotFound, CurrencyMismatch.
*/
create or replace function pgledger.check_accounts(
  from_account_ids text[],
  to_account_ids text[],
  app_id text,
  locked_ids text[],
  request_indexes bigint[] default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_fault record;
  v_ok boolean;
begin
  for v_fault in
    select
      request.from_account_id,
      request.to_account_id,
      case
        when request_count is not null
          then coalesce(check_accounts.request_indexes[request.place], request.place)
      end as index
    from unnest(from_account_ids, to_account_ids)
      with ordinality as request (from_account_id, to_account_id, place)
    where pgledger.id_fault(request.from_account_id, 'pgla') is not null
      or pgledger.id_fault(request.to_account_id, 'pgla') is not null
    order by request.place
    limit 1
  loop
    v_ok := pgledger.check_id(
      'from_account_id', v_fault.from_account_id, 'pgla', v_fault.index, request_count
    );
    v_ok := pgledger.check_id(
      'to_account_id', v_fault.to_account_id, 'pgla', v_fault.index, request_count
    );
  end loop;

  with account as materialized (
    select accounts.id, accounts.currency
    from pgledger.accounts
    where accounts.id = any(check_accounts.locked_ids)
      and accounts.app_id = check_accounts.app_id
  )
  select
    request.from_account_id,
    request.to_account_id,
    case
      when request_count is not null
        then coalesce(check_accounts.request_indexes[request.place], request.place)
    end as index,
    source.currency as from_currency,
    target.currency as to_currency
  into v_fault
  from unnest(from_account_ids, to_account_ids)
    with ordinality as request (from_account_id, to_account_id, place)
  left join account as source on request.from_account_id = source.id
  left join account as target on request.to_account_id = target.id
  where (source.currency = target.currency) is not true
  order by request.place
  limit 1;

  if not found then
    return true;
  elsif v_fault.from_currency is null then
    return pgledger.refuse_account(
      'from_account_id', v_fault.from_account_id, app_id, v_fault.index, request_count
    );
  elsif v_fault.to_currency is null then
    return pgledger.refuse_account(
      'to_account_id', v_fault.to_account_id, app_id, v_fault.index, request_count
    );
  else
    return pgledger.fail(
      'CurrencyMismatch',
      array[
        v_fault.from_account_id, v_fault.from_currency, v_fault.to_account_id, v_fault.to_currency
      ],
      v_fault.index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_accounts is
  'Raises an error for the first request whose accounts do not exist in the app or differ in '
  'currency.';

revoke all on function pgledger.check_accounts from public;
