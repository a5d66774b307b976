/*
The bits of an account's status that stand for a direction: out is 1, in is 2, both are 3.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.frozen_bits(direction text)
returns smallint
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean := pgledger.check_choice('direction', direction, '{out,in,both}');
begin
  return case direction when 'out' then 1 when 'in' then 2 else 3 end;
end;
$$;

comment on function pgledger.frozen_bits is
  'Bits of an account''s status for out, in or both; raises an error for anything else.';

revoke all on function pgledger.frozen_bits from public;
