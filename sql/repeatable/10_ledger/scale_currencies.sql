/*
Sets how many decimal places amounts of currencies may have, in their rows and in all their
accounts. If all is so already, nothing is locked and nothing written.

It waits for transactions that have opened accounts of the app, and those that would open one wait
for it. Then it looks at every account of the app, and locks those of the currencies, as transfers
do: a transfer is either over, and its balance is looked at, or it comes after and is held to what
is set. The snapshot of a transaction that is not read committed was taken before the lock: it would
miss accounts.

Locks: the app's currencies alone; the currencies' rows FOR NO KEY UPDATE ascending by code; their
accounts FOR NO KEY UPDATE ascending by id; then expired holds that would be in the way.
Errors: InvalidArgument, InvalidAmount.
*/
create or replace function pgledger.scale_currencies(app_id text, codes text[], scales integer[])
returns integer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count integer;
  v_ok boolean;
begin
  if not exists (
    select
    from unnest(codes, scales) as wanted (code, scale)
    left join pgledger.currencies
      on wanted.code = currencies.code and scale_currencies.app_id = currencies.app_id
    where currencies.amount_scale is distinct from wanted.scale
  ) then
    return 0;
  end if;

  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'transaction_isolation',
        quote_literal(current_setting('transaction_isolation')),
        'an account that another session has just opened could not be seen'
      ],
      hint => 'Change decimal places in a transaction at the level read committed.'
    );
  end if;
  perform pg_advisory_xact_lock(pgledger.currencies_lock(app_id));

  insert into pgledger.currencies (app_id, code)
  select scale_currencies.app_id, wanted.code
  from unnest(codes) as wanted (code)
  order by wanted.code collate "C"
  on conflict on constraint currencies_app_id_code_pk do nothing;

  perform 1
  from pgledger.currencies
  where currencies.app_id = scale_currencies.app_id
    and currencies.code = any(codes)
  order by currencies.code
  for no key update;

  v_ok := pgledger.check_scales_of_billing(app_id, codes, scales);
  v_ok := pgledger.check_balance_scales(app_id, codes, scales);
  v_ok := pgledger.check_hold_scales(app_id, codes, scales);

  update pgledger.accounts
  set amount_scale = wanted.scale
  from unnest(codes, scales) as wanted (code, scale)
  where accounts.app_id = scale_currencies.app_id
    and accounts.currency = wanted.code
    and accounts.amount_scale is distinct from wanted.scale;

  update pgledger.currencies
  set amount_scale = wanted.scale
  from unnest(codes, scales) as wanted (code, scale)
  where currencies.app_id = scale_currencies.app_id
    and currencies.code = wanted.code
    and currencies.amount_scale is distinct from wanted.scale;
  get diagnostics v_count = row_count;

  return v_count;
end;
$$;

comment on function pgledger.scale_currencies is
  'Sets decimal places of currencies and of all their accounts, and says of how many they changed.';

revoke all on function pgledger.scale_currencies from public;
