/*
The highest version of an account that was recorded before a time, or 0: found by halving, because
versions have no gap, and ascend with times.
*/
create or replace function pgledger.last_version_before(account_key bigint, at timestamptz)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_lowest bigint := 1;
  v_highest bigint := (
    select accounts.version
    from pgledger.accounts
    where accounts.key = last_version_before.account_key
  );
  v_middle bigint;
begin
  if at = 'infinity' then
    return v_highest;
  end if;

  while v_lowest <= v_highest loop
    v_middle := (v_lowest + v_highest) / 2;
    if pgledger.version_time(account_key, v_middle) < at then
      v_lowest := v_middle + 1;
    else
      v_highest := v_middle - 1;
    end if;
  end loop;

  return v_highest;
end;
$$;

comment on function pgledger.last_version_before is
  'The highest version of an account that was recorded before a time, or 0.';

revoke all on function pgledger.last_version_before from public;
