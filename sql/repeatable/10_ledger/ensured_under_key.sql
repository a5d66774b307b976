/*
Takes the key of a call that has found or opened the account of a name, and returns its answer. If
another call of the same request has used the key meanwhile, it found the same account, unless that
was renamed at once: then this call has opened one too many, and has to be run again.

Locks: the inserted row of the key.
Errors: those of pgledger.take_key; PostgreSQL's serialization_failure.
*/
create or replace function pgledger.ensured_under_key(
  idempotency_key text,
  request jsonb,
  answer @extschema@.pgledger_account
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key pgledger.idempotency_keys := pgledger.take_key(
    answer.app_id, idempotency_key, 'pgledger_ensure_account', request, answer.id
  );
  v_ok boolean;
begin
  if v_key.created_at is null then
    return answer;
  elsif v_key.result_id <> answer.id then
    v_ok := pgledger.run_again('due to concurrent update');
  end if;

  return pgledger.replayed_account(v_key.result_id);
end;
$$;

comment on function pgledger.ensured_under_key is
  'The answer of a call for the account of a name, whose key is taken with it.';

revoke all on function pgledger.ensured_under_key from public;
