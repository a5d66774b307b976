/*
Which id each request of a batch gets before it is made: the caller's, and, for new requests with a
key, element n of new_ids for place n of new_places. Null for requests without a key whose id the
caller left open, and for those that are skipped.
*/
create or replace function pgledger.ids_of_new_requests(
  new_places bigint[],
  new_ids text[],
  ids text[],
  idempotency_keys text[],
  skipped boolean[]
)
returns text[]
language sql
stable
parallel safe
as $$
  select array(
    select
      case
        when request.is_skipped then null
        when request.key is null then request.id
        else coalesce(request.id, new.id)
      end
    from unnest(idempotency_keys, skipped, ids) with ordinality
      as request (key, is_skipped, id, place)
    left join unnest(new_places, new_ids) as new (place, id) on request.place = new.place
    order by request.place
  )
$$;

comment on function pgledger.ids_of_new_requests is
  'The id that each request of a batch gets that has one before it is made.';

revoke all on function pgledger.ids_of_new_requests from public;
