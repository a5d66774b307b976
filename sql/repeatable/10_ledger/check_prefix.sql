/*
Refuses a prefix that no name can have. Without a prefix all names are meant; an empty one is more
likely a variable that was not set.

Errors: InvalidName.
*/
create or replace function pgledger.check_prefix(prefix text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(prefix, 1, 255, true);
  v_ok boolean;
begin
  if prefix is not null and v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidName', array[quote_literal(pgledger.abridged(prefix)), v_fault],
      hint => 'A prefix is a name or its beginning up to a dot, such as users.42; null is for all '
      'accounts.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_prefix is
  'Raises InvalidName unless the text can be the path of accounts; null means all.';

revoke all on function pgledger.check_prefix from public;
