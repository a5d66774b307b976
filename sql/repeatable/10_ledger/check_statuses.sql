/*
Refuses requests of whose accounts one is closed, or is frozen for what the request does. The lowest
request is named first; within it the account that the amount leaves, then the one that it reaches.
The caller has locked the accounts and found that they exist.

Errors: AccountClosed, AccountFrozen.
*/
create or replace function pgledger.check_statuses(
  from_account_ids text[],
  to_account_ids text[],
  request_indexes bigint[] default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_fault record;
begin
  select
    accounts.id,
    accounts.name,
    accounts.status,
    leg.direction,
    case
      when request_count is not null
        then coalesce(check_statuses.request_indexes[leg.place], leg.place)
    end as index
  into v_fault
  from (
    select request.account_id, request.place, 'leave' as direction, 1 as bit
    from unnest(from_account_ids) with ordinality as request (account_id, place)
    union all
    select request.account_id, request.place, 'reach' as direction, 2 as bit
    from unnest(to_account_ids) with ordinality as request (account_id, place)
  ) as leg
  inner join pgledger.accounts on leg.account_id = accounts.id
  where accounts.id = any(from_account_ids || to_account_ids)
    and accounts.status & (leg.bit | 4) <> 0
  order by leg.place, leg.bit
  limit 1;

  if not found then
    return true;
  elsif v_fault.status = 4 then
    return pgledger.fail(
      'AccountClosed', array[v_fault.id, v_fault.name], v_fault.index, request_count
    );
  else
    return pgledger.fail(
      'AccountFrozen',
      array[v_fault.id, v_fault.name, v_fault.direction],
      v_fault.index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_statuses is
  'Raises an error for the first request that a closed or frozen account does not allow.';

revoke all on function pgledger.check_statuses from public;
