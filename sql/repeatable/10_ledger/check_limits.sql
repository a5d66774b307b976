/*
Refuses limits of an account that cannot be: each by itself, then both together.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_limits(min_balance numeric, max_balance numeric)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_min_fault text := pgledger.limit_fault(min_balance);
  v_max_fault text := pgledger.limit_fault(max_balance);
  v_ok boolean;
begin
  if v_min_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument', array['min_balance', pgledger.abridged(min_balance::text), v_min_fault]
    );
  elsif v_max_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument', array['max_balance', pgledger.abridged(max_balance::text), v_max_fault]
    );
  elsif min_balance > max_balance then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'min_balance', pgledger.abridged(min_balance::text),
        format('it is above max_balance, %s', pgledger.abridged(max_balance::text))
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_limits is
  'Raises InvalidArgument unless the numbers can be limits of an account.';

revoke all on function pgledger.check_limits from public;
