/*
A range of balances as a key's row keeps it: [0,100) and [0.0,100.00) are the same text.
*/
create or replace function pgledger.argument_range(balances numrange)
returns text
language sql
immutable
parallel safe
strict
as $$
  select case
    when isempty(balances) then 'empty'
    else numrange(
      trim_scale(lower(balances)),
      trim_scale(upper(balances)),
      case when lower_inc(balances) then '[' else '(' end
      || case when upper_inc(balances) then ']' else ')' end
    )::text
  end
$$;

comment on function pgledger.argument_range is
  'A range of balances of a request as its key''s row keeps it.';

revoke all on function pgledger.argument_range from public;
