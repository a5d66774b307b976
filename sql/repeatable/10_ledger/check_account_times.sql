/*
Called where a call's time would be later than the clock, because an account was changed later than
that: the clock is wrong now, or was then. The caller has locked the accounts and found that they
exist. An account that is more than a day ahead refuses the call, so that a wrong time does not
spread to every account that it meets; the lowest request is named. Less than that is warned of,
once a call, for the account that is the furthest ahead. An account whose time was accepted does
neither.

Errors: AccountAheadOfClock.
*/
create or replace function pgledger.check_account_times(
  from_account_ids text[],
  to_account_ids text[],
  now timestamptz,
  recorded_at timestamptz,
  request_indexes bigint[] default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_warned_at timestamptz := now + pgledger.clock_warning();
  v_ahead record;
  v_newest_at timestamptz;
  v_newest_id text;
  v_is_accepted boolean := false;
  v_ok boolean;
begin
  if recorded_at <= v_warned_at then
    return true;
  end if;

  for v_ahead in
    select
      accounts.id,
      accounts.updated_at,
      exists (
        select from pgledger.accepted_time(accounts.key, accounts.updated_at)
      ) as is_accepted,
      case
        when request_count is not null
          then coalesce(check_account_times.request_indexes[leg.place / 2], leg.place / 2)
      end as index
    from (
      select given.account_id, min(given.place)
      from (
        select request.account_id, 2 * request.place
        from unnest(from_account_ids) with ordinality as request (account_id, place)
        union all
        select request.account_id, 2 * request.place + 1
        from unnest(to_account_ids) with ordinality as request (account_id, place)
      ) as given (account_id, place)
      group by given.account_id
    ) as leg (account_id, place)
    inner join pgledger.accounts on leg.account_id = accounts.id
    where accounts.updated_at > v_warned_at
    order by leg.place
  loop
    if v_ahead.is_accepted then
      v_is_accepted := true;
    elsif v_ahead.updated_at > now + interval '1 day' then
      v_ok := pgledger.fail(
        'AccountAheadOfClock',
        array[v_ahead.id, v_ahead.updated_at::text, now::text], v_ahead.index, request_count
      );
    elsif v_newest_at is null or v_ahead.updated_at > v_newest_at then
      v_newest_at := v_ahead.updated_at;
      v_newest_id := v_ahead.id;
    end if;
  end loop;

  if v_newest_id is not null then
    perform pgledger.warn_of_clock(v_newest_id, v_newest_at, now);
  end if;
  if v_is_accepted then
    perform pgledger.pass_on_accepted_time(from_account_ids || to_account_ids, now, recorded_at);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_account_times is
  'Warns of accounts of a call that are ahead of the clock, or raises an error.';

revoke all on function pgledger.check_account_times from public;
