/*
Raises if the server does not know a time zone that a subscription's periods are counted in: an
update of its zones can leave out a name.

As a rule no exception is caught, because that takes a subtransaction: PostgreSQL 16 and later say
of a text whether it is a time with a zone that they know. What is not known by that is tried.

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
    continue when v_zone = 'UTC';
    if current_setting('server_version_num')::integer >= 160000 then
      continue when pg_input_is_valid('2000-01-01 00:00 ' || v_zone, 'timestamptz');
    end if;
    v_ok := pgledger.try_zone(subscription, v_zone);
  end loop;
  return true;
end;
$$;

comment on function pgledger.check_zones is
  'Raises if the server does not know a time zone of a subscription.';

revoke all on function pgledger.check_zones from public;
