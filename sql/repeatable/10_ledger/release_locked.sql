/*
Writes that the given holds are expired, and takes what was left of them out of the sums of the
given accounts. The caller has locked both, and has found that the holds are expired. Returns how
many of them were released on a side where they were not before.
*/
create or replace function pgledger.release_locked(hold_ids text[], account_keys bigint[])
returns bigint
language plpgsql
volatile
parallel unsafe
set enable_seqscan = off
as $$
declare
  v_ids text[];
  v_keys bigint[];
  v_held_out numeric[];
  v_held_in numeric[];
begin
  with side as materialized (
    select
      holds.id, holds.from_key as key, holds.amount - holds.posted_amount as held_out, 0 as held_in
    from pgledger.holds
    where holds.id = any(hold_ids)
      and not holds.out_released
      and holds.from_key = any(account_keys)
    union all
    select holds.id, holds.to_key, 0, holds.amount - holds.posted_amount
    from pgledger.holds
    where holds.id = any(hold_ids)
      and not holds.in_released
      and holds.to_key = any(account_keys)
  )

  select
    array(select distinct side.id from side),
    array_agg(change.key), array_agg(change.held_out), array_agg(change.held_in)
  into v_ids, v_keys, v_held_out, v_held_in
  from (
    select side.key, sum(side.held_out), sum(side.held_in)
    from side
    group by side.key
  ) as change (key, held_out, held_in);

  -- What the other side has written already is noted already.
  perform pgledger.note_hold_changes(
    array(
      select holds.id from pgledger.holds where holds.id = any(v_ids) and holds.status = 0
    ),
    'expired'
  );

  update pgledger.holds
  set
    status = 3,
    ended_at = holds.expires_at,
    out_released = holds.out_released or holds.from_key = any(account_keys),
    in_released = holds.in_released or holds.to_key = any(account_keys)
  where holds.id = any(v_ids);

  update pgledger.accounts
  set
    held_out = accounts.held_out - change.held_out,
    held_in = accounts.held_in - change.held_in
  from unnest(v_keys, v_held_out, v_held_in) as change (key, held_out, held_in)
  where accounts.key = change.key;

  return cardinality(v_ids);
end;
$$;

comment on function pgledger.release_locked is
  'Releases expired holds on accounts, all of which the caller has locked; returns how many.';

revoke all on function pgledger.release_locked from public;
