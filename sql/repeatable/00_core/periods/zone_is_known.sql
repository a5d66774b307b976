/*
Whether the server knows a time zone by exactly that name. Looking through the names takes some 20
ms; UTC is known without it.
*/
create or replace function pgledger.zone_is_known(time_zone text)
returns boolean
language sql
stable
parallel safe
as $$
  select
    time_zone = 'UTC'
    or exists (
      select
      from pg_catalog.pg_timezone_names
      where pg_timezone_names.name = zone_is_known.time_zone
    )
$$;

comment on function pgledger.zone_is_known is 'Whether the server knows a time zone by that name.';

revoke all on function pgledger.zone_is_known from public;
