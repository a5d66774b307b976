/*
Refuses a transfer of a batch whose conditions are not met or one of whose legs breaks a limit. Its
accounts are as the transfers before it left them: the caller, who has locked them, says how that
is. Limits are looked at where the caller finds them doubtful; it has released what has expired.

Errors: those of pgledger.check_conditions and pgledger.check_balance.
*/
create or replace function pgledger.check_legs(
  from_key bigint,
  to_key bigint,
  from_version bigint,
  to_version bigint,
  from_balance numeric,
  to_balance numeric,
  amount numeric,
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange,
  is_doubtful boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if (
    from_version = require_from_version
    and to_version = require_to_version
    and from_balance - amount <@ require_from_balance
    and to_balance + amount <@ require_to_balance
  ) is false then
    v_ok := pgledger.check_conditions(
      from_key, to_key, from_version, to_version, from_balance - amount, to_balance + amount,
      require_from_version, require_to_version, require_from_balance, require_to_balance,
      request_index, request_count
    );
  end if;

  if is_doubtful then
    v_ok := pgledger.check_balance(
      from_key, from_balance, -amount, request_index, request_count
    );
    v_ok := pgledger.check_balance(to_key, to_balance, amount, request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_legs is
  'Raises an error if a transfer''s conditions are not met or one of its legs breaks a limit.';

revoke all on function pgledger.check_legs from public;
