/*
Refuses a request whose event_at lies in a closed period. A request without event_at looks at
nothing. It comes after status and decimal places, before conditions and limits.

Locks: those of pgledger.closed_until.
Errors: PeriodClosed.
*/
create or replace function pgledger.check_period(
  app_id text,
  event_at timestamptz,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_until timestamptz;
begin
  if event_at is null then
    return true;
  end if;

  v_until := pgledger.closed_until(app_id);
  if (event_at < v_until) is not true then
    return true;
  end if;

  return pgledger.fail(
    'PeriodClosed',
    array[event_at::text, pgledger.in_app(app_id), v_until::text],
    request_index,
    request_count
  );
end;
$$;

comment on function pgledger.check_period is
  'Raises PeriodClosed if event_at lies in a closed period.';

revoke all on function pgledger.check_period from public;
