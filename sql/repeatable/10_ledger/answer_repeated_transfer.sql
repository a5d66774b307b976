/*
Answers a call whose id was found to be taken after both accounts had been updated for it: puts them
back to what they were, and returns what was made under the id, or refuses it. The caller holds both
accounts.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.answer_repeated_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  id text,
  app_id text,
  from_key bigint,
  to_key bigint,
  from_version bigint,
  to_version bigint
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.put_back(from_key, from_version);
  v_ok := pgledger.put_back(to_key, to_version);

  return pgledger.create_repeatable_transfer(
    from_account_id, to_account_id, amount, null, null, id, app_id
  );
end;
$$;

comment on function pgledger.answer_repeated_transfer is
  'Puts accounts back that were updated for a transfer which exists, and returns that transfer.';

revoke all on function pgledger.answer_repeated_transfer from public;
