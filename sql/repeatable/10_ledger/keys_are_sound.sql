/*
Whether all keys of a batch have a length that a key can have.
*/
create or replace function pgledger.keys_are_sound(idempotency_keys text[])
returns boolean
language sql
immutable
parallel safe
as $$
  select not exists (
    select
    from unnest(idempotency_keys) as given (key)
    where char_length(given.key) not between 1 and 255
  )
$$;

comment on function pgledger.keys_are_sound is
  'Whether all keys of a batch have a length that a key can have.';

revoke all on function pgledger.keys_are_sound from public;
