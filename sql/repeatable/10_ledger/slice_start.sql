/*
Where a slice begins, read from what the one before it said.

Errors: InvalidPage.
*/
create or replace function pgledger.slice_start(after text)
returns pgledger.slice_start
language plpgsql
stable
parallel safe
set datestyle = iso
set timezone = 'UTC'
as $$
declare
  c_time constant text := '("[0-9]{4,6}-[01][0-9]-[0-3][0-9] [0-9:.]{8,15}[+]00( BC)?")?';
  v_start pgledger.slice_start;
  v_ok boolean;
begin
  if after is null then
    v_start.entries_in_all := (select coalesce(sum(accounts.version), 0) from pgledger.accounts);
    return v_start;
  end if;

  if after !~ (
    '^[(]-?[0-9]{1,18},-?[0-9]{1,18},[0-9]{1,18},[-.0-9A-Za-z]+,' || c_time
    || ',(-?[0-9]{1,18})?,[-.0-9A-Za-z]*,' || c_time || ',[-.0-9A-Za-z]+[)]$'
  ) then
    v_ok := pgledger.fail(
      'InvalidPage',
      array[
        'after', quote_literal(pgledger.abridged(after)), 'no slice gave it as its next_after'
      ],
      hint => 'Give the next_after of the slice before as it is, or null for the first.'
    );
  end if;

  v_start := after;
  return v_start;
end;
$$;

comment on function pgledger.slice_start(text) is
  'Where a slice begins, read from what the one before it said; null for the first.';

revoke all on function pgledger.slice_start from public;
