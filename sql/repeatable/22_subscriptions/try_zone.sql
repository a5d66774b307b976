/*
Raises if the server does not know a time zone of a subscription. It is tried, because looking
through all names takes some 20 ms.

Errors: UnknownTimeZone.
*/
create or replace function pgledger.try_zone(subscription pgledger.subscriptions, time_zone text)
returns boolean
language plpgsql
stable
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  perform subscription.anchor_at at time zone try_zone.time_zone;
  return true;
exception
  when invalid_parameter_value then
    v_ok := pgledger.fail(
      'UnknownTimeZone', array[quote_literal(try_zone.time_zone), subscription.id]
    );
end;
$$;

comment on function pgledger.try_zone is
  'Raises if the server does not know a time zone of a subscription, by trying it.';

revoke all on function pgledger.try_zone from public;
