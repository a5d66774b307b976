/*
The places, from 1, of those requests of a batch of holds that are new: they repeat neither a hold
that exists nor an earlier request of the batch. The lowest request that reuses an id for something
else is refused. An expiry is compared with the one that the hold was made with.

The caller has locked the accounts. Any earlier call for the same hold held these locks, so what it
wrote can be seen by now.

The body is long because it is one statement over all requests.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.new_hold_places(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text
)
returns bigint[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_places bigint[];
  v_conflict_place bigint;
  v_asked jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  with given as materialized (
    select
      request.place, request.id,
      case
        when request.id is null then request.place
        else min(request.place) over (partition by request.id)
      end as first_place,
      case
        when request.id is not null
          then jsonb_build_object(
            'app_id', new_hold_places.app_id, 'group_id', new_hold_places.group_id,
            'from_account_id', request.from_account_id, 'to_account_id', request.to_account_id,
            'amount', request.amount, 'expires_at', request.expires_at,
            'event_at', request.event_at, 'metadata', request.metadata
          )
      end as asked
    from unnest(from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids)
      with ordinality as request (
        from_account_id, to_account_id, amount, expires_at, event_at, metadata, id, place
      )
  ),

  existing as materialized (
    select
      holds.id,
      jsonb_build_object(
        'app_id', holds.app_id, 'group_id', holds.group_id,
        'from_account_id', pgledger.account_id(holds.from_key),
        'to_account_id', pgledger.account_id(holds.to_key), 'amount', holds.amount,
        'expires_at', holds.first_expires_at, 'event_at', holds.event_at,
        'metadata', holds.metadata
      ) as asked
    from pgledger.holds
    where holds.id = any(new_hold_places.ids)
  ),

  compared as (
    select
      given.place, given.asked, existing.id is null as is_absent,
      given.place = given.first_place as is_first,
      coalesce(existing.asked, earlier.asked) as recorded,
      given.asked <> coalesce(existing.asked, earlier.asked) as is_other
    from given
    inner join given as earlier on given.first_place = earlier.place
    left join existing on given.id = existing.id
  )

  select
    coalesce(
      array_agg(compared.place order by compared.place)
      filter (where compared.is_absent and compared.is_first),
      '{}'
    ),
    min(compared.place) filter (where compared.is_other),
    (array_agg(compared.asked order by compared.place) filter (where compared.is_other))[1],
    (array_agg(compared.recorded order by compared.place) filter (where compared.is_other))[1]
  into v_places, v_conflict_place, v_asked, v_recorded
  from compared;

  if v_conflict_place is not null then
    v_ok := pgledger.refuse_repeated(
      ids[v_conflict_place], v_asked, v_recorded, v_conflict_place, cardinality(ids)
    );
  end if;

  return v_places;
end;
$$;

comment on function pgledger.new_hold_places is
  'Places of the new requests of a batch of holds; raises an error for the first that reuses an id '
  'for something else.';

revoke all on function pgledger.new_hold_places from public;
