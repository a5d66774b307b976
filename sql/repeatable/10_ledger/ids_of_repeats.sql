/*
The ids of what came of a batch's requests, once those are filled in that repeat others under their
keys: result_ids and first_places are those of pgledger.keys_of_requests.
*/
create or replace function pgledger.ids_of_repeats(
  ids text[],
  result_ids text[],
  first_places bigint[]
)
returns text[]
language sql
stable
parallel safe
as $$
  select array(
    select coalesce(request.result_id, earlier.id, request.id)
    from unnest(ids, result_ids, first_places) with ordinality
      as request (id, result_id, first_place, place)
    left join unnest(ids) with ordinality as earlier (id, place)
      on request.first_place = earlier.place
    order by request.place
  )
$$;

comment on function pgledger.ids_of_repeats is
  'The ids of what came of a batch''s requests, with those of repeats under their keys.';

revoke all on function pgledger.ids_of_repeats from public;
