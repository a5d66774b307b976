/*
What a subscription remembers of the zones of its earlier periods, without those that the server
does not know any more: their days are counted in the zone that came after. Null if nothing is left.
*/
create or replace function pgledger.known_zones(earlier_zones jsonb)
returns jsonb
language sql
stable
parallel safe
as $$
  select jsonb_agg(earlier.zone order by earlier.place)
  from jsonb_array_elements(known_zones.earlier_zones) with ordinality as earlier (zone, place)
  where pgledger.zone_is_known(earlier.zone ->> 'time_zone')
$$;

comment on function pgledger.known_zones is
  'Zones of earlier periods, without those that the server does not know any more.';

revoke all on function pgledger.known_zones from public;
