/*
Whether all keys of a batch have a length that a key can have. Most batches have no keys: for them
it is one comparison, and not a statement.
*/
create or replace function pgledger.keys_are_sound(idempotency_keys text[])
returns boolean
language plpgsql
immutable
parallel safe
as $$
begin
  if idempotency_keys is null then
    return true;
  end if;

  return not exists (
    select
    from unnest(idempotency_keys) as given (key)
    where char_length(given.key) not between 1 and 255
  );
end;
$$;

comment on function pgledger.keys_are_sound is
  'Whether all keys of a batch have a length that a key can have.';

revoke all on function pgledger.keys_are_sound from public;
