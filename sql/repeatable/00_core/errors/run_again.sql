/*
Says that the transaction has to be run again, in PostgreSQL's words and with its code, so that
whoever retries its serialization failures retries this one, too.
*/
create or replace function pgledger.run_again(reason text)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  raise exception using
    errcode = 'serialization_failure', message = 'could not serialize access ' || reason;
end;
$$;

comment on function pgledger.run_again is
  'Raises serialization_failure: the transaction has to be run again.';

revoke all on function pgledger.run_again from public;
