/*
Those of the places, in their order, that are not skipped: element n of skipped belongs to place n.
*/
create or replace function pgledger.places_left(places bigint[], skipped boolean[])
returns bigint[]
language sql
immutable
parallel safe
as $$
  select array(
    select wanted.place
    from unnest(places) as wanted (place)
    inner join unnest(skipped) with ordinality as request (is_skipped, place)
      on wanted.place = request.place
    where not request.is_skipped
    order by wanted.place
  )
$$;

comment on function pgledger.places_left is 'The places that are not skipped.';

revoke all on function pgledger.places_left from public;
