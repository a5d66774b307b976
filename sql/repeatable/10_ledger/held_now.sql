/*
What an account holds back, out or in, without the holds that have expired by now: the stored sum
may still contain these. Callers ask only where that sum is not zero. It runs as its owner, because
the view of accounts calls it for whoever reads it.
*/
create or replace function pgledger.held_now(account_key bigint, held numeric, is_out boolean)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_expired numeric;
begin
  if is_out then
    select sum(holds.amount - holds.posted_amount)
    into v_expired
    from pgledger.holds
    where holds.from_key = account_key
      and not holds.out_released
      and (holds.status = 3 or holds.status = 0 and holds.expires_at <= v_now);
  else
    select sum(holds.amount - holds.posted_amount)
    into v_expired
    from pgledger.holds
    where holds.to_key = account_key
      and not holds.in_released
      and holds.expires_at is not null
      and (holds.status = 3 or holds.status = 0 and holds.expires_at <= v_now);
  end if;

  return held - coalesce(v_expired, 0);
end;
$$;

comment on function pgledger.held_now is
  'What an account holds back by now, out or in, given the sum that its row has.';

revoke all on function pgledger.held_now from public;
grant execute on function pgledger.held_now to pgledger_reader;
