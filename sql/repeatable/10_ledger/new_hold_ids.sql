/*
Ids for a batch of holds, one microsecond apart: those of pgledger.new_transfer_ids, under the
prefix of holds.
*/
create or replace function pgledger.new_hold_ids(first_created_at timestamptz, count integer)
returns text[]
language sql
volatile
parallel unsafe
as $$
  select array(
    select 'pglh_' || right(new.id, 26)
    from unnest(pgledger.new_transfer_ids(first_created_at, count)) as new (id)
  )
$$;

comment on function pgledger.new_hold_ids is
  'Ids for as many new holds, which are created one microsecond after another.';

revoke all on function pgledger.new_hold_ids from public;
