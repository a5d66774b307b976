/*
Refuses what is no cursor of pgledger_changes, and one whose block this database does not have. The
mark tells a block apart from another one of the same number: one that was rolled back after it was
read, or was lost with a server that a restore or a fail-over has replaced. A standby may not have
got the block yet: there that is for the caller to wait for, and false comes back.

Errors: InvalidArgument, CursorNotFound.
*/
create or replace function pgledger.cursor_is_known(cursor text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_mark text;
  v_ok boolean;
begin
  if cursor !~ '^[1-9][0-9]{0,17}[.][1-9][0-9]{0,17}[.][0-9a-f]{16}$' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'after', quote_literal(pgledger.abridged(cursor)), 'it is not a cursor of pgledger_changes'
      ]
    );
  end if;

  select blocks.mark
  into v_mark
  from pgledger.blocks
  where blocks.number = split_part(cursor, '.', 1)::bigint;

  if v_mark is null and pg_is_in_recovery() then
    return false;
  elsif v_mark is distinct from split_part(cursor, '.', 3) then
    v_ok := pgledger.fail('CursorNotFound', array[cursor]);
  end if;

  return true;
end;
$$;

comment on function pgledger.cursor_is_known is
  'Refuses a cursor that is none or is of another database; false if it is ahead of a standby.';

revoke all on function pgledger.cursor_is_known from public;
