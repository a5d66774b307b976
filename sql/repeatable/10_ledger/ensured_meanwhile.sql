/*
The answer to a call for an account by its name, whose key another call of the same request has used
meanwhile. That call found the same account, unless one of the name was opened since, because the
first was renamed at once: then this call has opened one too many, and has to be run again.

Errors: a serialization failure.
*/
create or replace function pgledger.ensured_meanwhile(
  app_id text,
  idempotency_key text,
  answer @extschema@.pgledger_account
)
returns @extschema@.pgledger_account
language plpgsql
stable
parallel safe
as $$
declare
  v_id text := pgledger.result_of_key(app_id, idempotency_key);
begin
  if v_id is distinct from answer.id then
    raise exception 'could not serialize access due to concurrent update'
      using errcode = 'serialization_failure';
  end if;

  return pgledger.replayed_account(v_id);
end;
$$;

comment on function pgledger.ensured_meanwhile is
  'The answer for an account whose key was used meanwhile by the same request.';

revoke all on function pgledger.ensured_meanwhile from public;
