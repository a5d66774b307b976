/*
Refuses a transfer whose conditions are not met: first the versions, as they were before it, then
the balances, as they would be after it; of each the account that the amount leaves first. The
caller has locked both accounts, and says what it found.

Errors: VersionMismatch, BalanceConditionFailed.
*/
create or replace function pgledger.check_conditions(
  from_key bigint,
  to_key bigint,
  from_version bigint,
  to_version bigint,
  from_balance numeric,
  to_balance numeric,
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_failed record;
begin
  select
    condition.is_of_version,
    array[
      accounts.id, accounts.name, condition.found,
      pgledger.abridged(condition.required)
    ] as arguments
  into v_failed
  from (
    values
      (
        1, true, from_key, from_version::text, require_from_version::text,
        from_version = require_from_version
      ),
      (
        2, true, to_key, to_version::text, require_to_version::text,
        to_version = require_to_version
      ),
      (
        3, false, from_key, from_balance::text, require_from_balance::text,
        from_balance <@ require_from_balance
      ),
      (
        4, false, to_key, to_balance::text, require_to_balance::text,
        to_balance <@ require_to_balance
      )
  ) as condition (place, is_of_version, key, found, required, is_met)
  inner join pgledger.accounts on condition.key = accounts.key
  where not condition.is_met
  order by condition.place
  limit 1;

  if not found then
    return true;
  end if;

  return pgledger.fail(
    case when v_failed.is_of_version then 'VersionMismatch' else 'BalanceConditionFailed' end,
    v_failed.arguments, request_index, request_count
  );
end;
$$;

comment on function pgledger.check_conditions is
  'Raises an error if accounts do not have the versions or balances that a transfer requires.';

revoke all on function pgledger.check_conditions from public;
