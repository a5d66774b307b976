/*
Refuses the first request of a batch whose event_at lies in a closed period. A batch without any
event_at looks at nothing.

Locks: those of pgledger.closed_until.
Errors: PeriodClosed.
*/
create or replace function pgledger.check_periods(
  app_id text,
  event_ats timestamptz[],
  request_indexes bigint[],
  request_count bigint
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_until timestamptz := pgledger.closed_until_for(app_id, event_ats);
  v_place bigint;
  v_ok boolean;
begin
  if v_until is null then
    return true;
  end if;

  v_place := (
    select min(given.place)
    from unnest(event_ats) with ordinality as given (event_at, place)
    where given.event_at < v_until
  );
  if v_place is not null then
    v_ok := pgledger.check_period(
      app_id,
      (event_ats[:])[v_place],
      coalesce(request_indexes[v_place], v_place),
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_periods is
  'Raises PeriodClosed for the first request whose event_at lies in a closed period.';

revoke all on function pgledger.check_periods from public;
