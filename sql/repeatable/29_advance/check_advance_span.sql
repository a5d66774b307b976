/*
Refuses to move an app on to a time that is more than max_span beyond what was seen of it: its
newest run, or before the first one its newest subscription. A clock that has jumped would end
periods and make invoices final that cannot be taken back.

Errors: InvalidArgument, AdvanceTooFar.
*/
create or replace function pgledger.check_advance_span(
  app_id text,
  now timestamptz,
  max_span interval
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_seen_at timestamptz;
  v_ok boolean;
begin
  if max_span is null then
    return true;
  elsif max_span <= interval '0' then
    v_ok := pgledger.fail(
      'InvalidArgument', array['max_span', max_span::text, 'it is not above 0']
    );
  end if;

  v_seen_at := coalesce(
    (
      select advance_runs.newest_at
      from pgledger.advance_runs
      where advance_runs.app_id = check_advance_span.app_id
    ),
    (
      select max(subscriptions.created_at)
      from pgledger.subscriptions
      where subscriptions.app_id = check_advance_span.app_id
    )
  );

  -- The difference, because a span can be larger than what is left of all times.
  if now - v_seen_at > max_span then
    v_ok := pgledger.fail(
      'AdvanceTooFar',
      array[quote_literal(app_id), v_seen_at::text, now::text, justify_hours(max_span)::text]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_advance_span is
  'Refuses to move an app on by more than a span beyond what was seen of it.';

revoke all on function pgledger.check_advance_span from public;
