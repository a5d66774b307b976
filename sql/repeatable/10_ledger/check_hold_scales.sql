/*
Refuses decimal places of currencies that what is left of a pending hold exceeds: it would be posted
as it was held. The hold with the lowest id is named. The caller has locked all accounts of the
currencies, so no hold of theirs is made or ends meanwhile. One that would be in the way, and whose
time is over, is written off: nobody may rely on an expiry without writing it.

Locks: such holds FOR NO KEY UPDATE, ascending by id.
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
  v_now timestamptz := pgledger.clock();
  v_expired_keys bigint[];
  v_hold record;
  v_ok boolean;
begin
  v_expired_keys := array(
    select distinct holds.from_key
    from pgledger.accounts
    inner join unnest(codes, scales) as wanted (code, scale) on accounts.currency = wanted.code
    inner join pgledger.holds on accounts.key = holds.from_key
    where accounts.app_id = check_hold_scales.app_id
      and holds.status = 0
      and holds.expires_at <= v_now
      and not holds.out_released
      and min_scale(holds.amount - holds.posted_amount) > wanted.scale
  );
  v_ok := v_expired_keys = '{}' or pgledger.release_expired(v_expired_keys, v_now);

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
    hint => 'Post or void the hold first, or allow more decimal places.'
  );
end;
$$;

comment on function pgledger.check_hold_scales is
  'Raises InvalidAmount if a pending hold of currencies has more decimal places.';

revoke all on function pgledger.check_hold_scales from public;
