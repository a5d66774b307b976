/*
Refuses the first request of a batch that asks for that id, after another call has taken the id for
something else. Under repeatable read or serializable the transaction cannot see that other
transfer: it is told to run again, as PostgreSQL tells a transaction that creates a single transfer.

Errors: IdempotencyConflict, or PostgreSQL's serialization_failure.
*/
create or replace function pgledger.refuse_taken_id(
  id text,
  ids text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_place bigint;
  v_ok boolean;
begin
  v_ok := pgledger.look_again_for_id(id);

  select min(given.place)
  into v_place
  from unnest(ids) with ordinality as given (id, place)
  where given.id = refuse_taken_id.id;

  return pgledger.fail('IdempotencyConflict', array['id', id], v_place, cardinality(ids));
end;
$$;

comment on function pgledger.refuse_taken_id is
  'Raises an error because another call has taken an id of this batch.';

revoke all on function pgledger.refuse_taken_id from public;
