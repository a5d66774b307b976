/*
Refuses a time to live that a cached entitlement cannot have.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_entitlement_ttl(ttl interval)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if ttl is null then
    v_ok := pgledger.fail('NullArgument', array['ttl']);
  elsif not (ttl > interval '0' and ttl <= interval '1 day') then
    v_ok := pgledger.fail(
      'InvalidArgument', array['ttl', quote_literal(ttl), 'it is not above 0 and at most a day']
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_entitlement_ttl is
  'Raises NullArgument or InvalidArgument unless a cached entitlement can have that time to live.';

revoke all on function pgledger.check_entitlement_ttl from public;
