/*
Refuses what a request says about the transfer that it makes, besides its accounts. The order of the
checks is part of the interface: the amount, event_at, metadata, the id.

Errors: InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata, InvalidId.
*/
create or replace function pgledger.check_request_details(
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_fault text;
  v_ok boolean;
begin
  v_fault := pgledger.amount_fault(amount);
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount',
      array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault],
      request_index,
      request_count,
      case
        when amount < 0 and amount > '-Infinity'
          then 'An amount is above 0. To move money the other way, swap the accounts.'
      end
    );
  end if;

  v_fault := pgledger.time_fault(event_at);
  if event_at is not null and v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['event_at', event_at::text, v_fault], request_index, request_count
    );
  elsif event_at > v_now + interval '1 day' and allow_future_event_at is not true then
    v_ok := pgledger.fail(
      'EventAtInFuture', array[event_at::text, v_now::text], request_index, request_count
    );
  end if;

  v_ok := pgledger.check_metadata(metadata, request_index, request_count);

  if id is not null then
    v_ok := pgledger.check_id('id', id, 'pglt', request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_request_details is
  'Raises the first thing that is wrong with a request''s amount, event_at, metadata or id.';

revoke all on function pgledger.check_request_details from public;
