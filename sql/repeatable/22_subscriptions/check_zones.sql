/*
Raises if the server does not know a time zone that a subscription's periods are counted in: an
update of its zones can leave out a name. A zone is tried, because looking through all names takes
some 20 ms, and this is asked by every question about a limit.

Errors: UnknownTimeZone.
*/
create or replace function pgledger.check_zones(subscription pgledger.subscriptions)
returns boolean
language plpgsql
stable
parallel unsafe
as $$
declare
  v_zone text;
  v_ok boolean;
begin
  if subscription.time_zone = 'UTC' and subscription.earlier_zones is null then
    return true;
  end if;
  for v_zone in
    select subscription.time_zone
    union all
    select earlier.zone ->> 'time_zone'
    from jsonb_array_elements(subscription.earlier_zones) as earlier (zone)
  loop
    perform subscription.anchor_at at time zone v_zone;
  end loop;
  return true;
exception
  when invalid_parameter_value then
    v_ok := pgledger.fail('UnknownTimeZone', array[quote_literal(v_zone), subscription.id]);
end;
$$;

comment on function pgledger.check_zones is
  'Raises if the server does not know a time zone of a subscription.';

revoke all on function pgledger.check_zones from public;
