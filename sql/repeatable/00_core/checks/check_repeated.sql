/*
Checks that a repeated request asks for what the first one with its id did, or with its key if the
argument is one. Only fields of the given object count; those that this request leaves open it gives
as they were recorded. Numbers are equal by value.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.check_repeated(
  id text,
  given jsonb,
  recorded jsonb,
  argument text default 'id'
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if given is distinct from pgledger.picked(
    recorded, array(select field.name from jsonb_object_keys(given) as field (name))
  ) then
    return pgledger.refuse_repeated(id, given, recorded, argument => argument);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_repeated is
  'Checks that a request with a taken id or key is the one that took it.';

revoke all on function pgledger.check_repeated from public;
