/*
Called when another call has taken the id of a transfer meanwhile. Under read committed the next
statement sees that transfer, and the caller looks again. Under repeatable read or serializable the
transaction cannot see it, and is told to run again, as PostgreSQL tells it.

Errors: PostgreSQL's serialization_failure.
*/
create or replace function pgledger.look_again_for_id(id text)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return pgledger.run_again(format('because id %s was taken meanwhile', id));
  end if;
  return true;
end;
$$;

comment on function pgledger.look_again_for_id is
  'Raises an error where a transaction cannot see the transfer that has taken an id meanwhile.';

revoke all on function pgledger.look_again_for_id from public;
