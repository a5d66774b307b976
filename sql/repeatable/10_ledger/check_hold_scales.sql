/*
Refuses decimal places of currencies that what is left of a pending hold exceeds: it would be posted
as it was held. The hold with the lowest id is named. The caller has locked all accounts of the
currencies, so no hold of theirs is made or ends meanwhile. One whose time is over counts as long as
nobody has written that it is expired: nobody may rely on that without writing it.

Errors: InvalidAmount.
*/
create or replace function pgledger.check_hold_scales(
  app_id text,
  codes text[],
  scales integer[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_hold record;
begin
  select
    holds.id, holds.amount - holds.posted_amount as rest, accounts.id as account_id, accounts.name,
    accounts.balance, accounts.currency, wanted.scale
  into v_hold
  from pgledger.accounts
  inner join unnest(codes, scales) as wanted (code, scale) on accounts.currency = wanted.code
  inner join pgledger.holds on accounts.key = holds.from_key
  where accounts.app_id = check_hold_scales.app_id
    and holds.status = 0
    and not holds.out_released
    and min_scale(holds.amount - holds.posted_amount) > wanted.scale
  order by holds.id
  limit 1;
  if not found then
    return true;
  end if;

  return pgledger.fail(
    'InvalidAmount',
    array[
      v_hold.rest::text,
      format(
        'hold %s keeps it back on account %s (%s), whose balance is %s, and %s would have %s',
        v_hold.id, v_hold.account_id, v_hold.name, v_hold.balance, v_hold.currency,
        pgledger.decimal_places(v_hold.scale)
      )
    ],
    hint => 'Post or void the hold first, or allow more decimal places. One that has expired is '
      'written off by pgledger_expire_holds.'
  );
end;
$$;

comment on function pgledger.check_hold_scales is
  'Raises InvalidAmount if a pending hold of currencies has more decimal places.';

revoke all on function pgledger.check_hold_scales from public;
