/*
Refuses limits that a new account cannot have: it begins with a balance of zero, and a flag and a
limit may not contradict each other. A flag that is true says nothing, because that is its default.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_new_limits(
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  min_balance numeric,
  max_balance numeric
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if allow_negative_balance is null then
    v_ok := pgledger.fail('NullArgument', array['allow_negative_balance']);
  elsif allow_positive_balance is null then
    v_ok := pgledger.fail('NullArgument', array['allow_positive_balance']);
  end if;

  v_ok := pgledger.check_limits(min_balance, max_balance);

  if min_balance > 0 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'min_balance', pgledger.abridged(min_balance::text),
        'it is above 0, the balance of a new account'
      ]
    );
  elsif max_balance < 0 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_balance', pgledger.abridged(max_balance::text),
        'it is below 0, the balance of a new account'
      ]
    );
  elsif min_balance < 0 and not allow_negative_balance then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'min_balance', pgledger.abridged(min_balance::text),
        'it is below 0, and allow_negative_balance is false'
      ]
    );
  elsif max_balance > 0 and not allow_positive_balance then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_balance', pgledger.abridged(max_balance::text),
        'it is above 0, and allow_positive_balance is false'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_new_limits is
  'Raises an error unless a new account can have these flags and limits.';

revoke all on function pgledger.check_new_limits from public;
