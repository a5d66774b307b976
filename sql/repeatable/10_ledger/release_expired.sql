/*
Writes which holds of the given accounts have expired, and takes what was left of them out of these
accounts' sums. Called where a decision depends on it. Once written, an expiry stays, whatever the
clock says later; the other account of such a hold is released by whoever needs that, because its
row is not locked here.

The caller has locked the accounts, and has read the time after that. All of a call's accounts are
given at once, so that holds are locked in one order. Nobody can be posting, voiding or extending
these holds: that takes the locks of both accounts.

Locks: the holds FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.release_expired(account_keys bigint[], at timestamptz)
returns boolean
language plpgsql
volatile
parallel unsafe
set enable_seqscan = off
as $$
declare
  v_ids text[];
  v_count bigint;
begin
  v_ids := array(
    select holds.id
    from pgledger.holds
    where holds.from_key = any(account_keys)
      and not holds.out_released
      and (holds.status = 3 or holds.status = 0 and holds.expires_at <= at)
    union
    select holds.id
    from pgledger.holds
    where holds.to_key = any(account_keys)
      and not holds.in_released
      and holds.expires_at is not null
      and (holds.status = 3 or holds.status = 0 and holds.expires_at <= at)
  );
  if v_ids = '{}' then
    return false;
  end if;

  v_ids := array(
    select holds.id
    from pgledger.holds
    where holds.id = any(v_ids)
      and (holds.status = 3 or holds.status = 0 and holds.expires_at <= at)
    order by holds.id
    for no key update
  );
  v_count := pgledger.release_locked(v_ids, account_keys);

  return true;
end;
$$;

comment on function pgledger.release_expired is
  'Writes which holds of accounts have expired, and releases them there; says whether any had.';

revoke all on function pgledger.release_expired from public;
