/*
Refuses decimal places of currencies that a balance exceeds; the account with the lowest id is
named. The caller holds the app's currencies alone, so there are no other accounts.

Locks: the accounts of the currencies FOR NO KEY UPDATE ascending by id. Their balances are read as
they are then.
Errors: InvalidAmount.
*/
create or replace function pgledger.check_balance_scales(
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
  v_account record;
begin
  select locked.id, locked.name, locked.balance, locked.currency, wanted.scale
  into v_account
  from (
    select accounts.id, accounts.name, accounts.balance, accounts.currency
    from pgledger.accounts
    where accounts.app_id = check_balance_scales.app_id
      and accounts.currency = any(codes)
    order by accounts.id
    for no key update
  ) as locked
  inner join unnest(codes, scales) as wanted (code, scale) on locked.currency = wanted.code
  where min_scale(locked.balance) > wanted.scale
  order by locked.id
  limit 1;
  if not found then
    return true;
  end if;

  return pgledger.fail(
    'InvalidAmount',
    array[
      v_account.balance::text,
      format(
        'it is the balance of account %s (%s), and %s would have %s',
        v_account.id, v_account.name, v_account.currency, pgledger.decimal_places(v_account.scale)
      )
    ],
    hint => 'Move what is beyond the decimal places to other accounts of the currency, until none '
      'has it, or allow more.'
  );
end;
$$;

comment on function pgledger.check_balance_scales is
  'Locks the accounts of currencies, and raises InvalidAmount if a balance has more decimals.';

revoke all on function pgledger.check_balance_scales from public;
