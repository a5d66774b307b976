/*
Refuses a reason that cannot be read later. Null is none.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_reason(reason text)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if reason is null then
    return true;
  end if;

  return pgledger.check_text('reason', reason, 1000, true);
end;
$$;

comment on function pgledger.check_reason is
  'Raises InvalidArgument unless the reason is null or a text of 1 to 1000 characters.';

revoke all on function pgledger.check_reason from public;
