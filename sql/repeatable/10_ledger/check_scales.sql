/*
Refuses requests whose amount has more decimal places than one of its accounts allows. The lowest
request is named first. The caller has locked the accounts and found that they exist and share a
currency.

Errors: InvalidAmount.
*/
create or replace function pgledger.check_scales(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
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
begin
  select
    leg.amount,
    accounts.currency,
    accounts.amount_scale,
    case
      when request_count is not null
        then coalesce(check_scales.request_indexes[leg.place], leg.place)
    end as index
  into v_fault
  from (
    select request.account_id, request.amount, request.place
    from unnest(from_account_ids, amounts)
      with ordinality as request (account_id, amount, place)
    union all
    select request.account_id, request.amount, request.place
    from unnest(to_account_ids, amounts)
      with ordinality as request (account_id, amount, place)
  ) as leg
  inner join pgledger.accounts on leg.account_id = accounts.id
  where accounts.id = any(from_account_ids || to_account_ids)
    and min_scale(leg.amount) > accounts.amount_scale
  order by leg.place, accounts.amount_scale
  limit 1;

  if not found then
    return true;
  end if;

  return pgledger.fail(
    'InvalidAmount',
    array[
      pgledger.abridged(v_fault.amount::text),
      format('%s has %s', v_fault.currency, pgledger.decimal_places(v_fault.amount_scale))
    ],
    v_fault.index,
    request_count,
    'Round the amount to the decimal places that its currency has.'
  );
end;
$$;

comment on function pgledger.check_scales is
  'Raises an error for the first request whose amount has more decimal places than its accounts '
  'allow.';

revoke all on function pgledger.check_scales from public;
