/*
The places, from 1, of those requests of a batch that are new: they repeat neither an existing
transfer nor an earlier request of the batch. The lowest request that reuses an id for something
else is refused.

The caller has locked the accounts. Any earlier call for the same transfer held these locks, so what
it wrote can be seen by now. Nearly all of the work is one statement, which compares the whole batch
at once.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.new_transfer_places(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  locked_ids text[]
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
  v_new_places bigint[];
  v_conflict_place bigint;
  v_id text;
  v_given jsonb;
  v_earlier jsonb;
  v_ok boolean;
begin
  with given as materialized (
    select
      request.place,
      request.id,
      request.from_account_id,
      request.to_account_id,
      request.amount,
      request.event_at,
      request.metadata,
      case
        when request.id is not null then min(request.place) over (partition by request.id)
        else request.place
      end as first_place
    from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
      with ordinality
      as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
  ),

  account as materialized (
    select accounts.id, accounts.key
    from pgledger.accounts
    where accounts.id = any(new_transfer_places.locked_ids)
  ),

  existing as materialized (
    select
      transfers.id, transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata, transfers.origin_id
    from pgledger.transfers
    where transfers.id = any(new_transfer_places.ids)
  ),

  -- A request can repeat both a transfer that exists already and the first request with its id.
  compared as (
    select
      given.place,
      existing.id is null and given.place = given.first_place as is_new,
      (
        existing.id is null
        or (
          existing.app_id, existing.from_key, existing.to_key, existing.amount, existing.event_at,
          existing.metadata, existing.origin_id
        ) is not distinct from (
          new_transfer_places.app_id, source.key, target.key, given.amount, given.event_at,
          given.metadata, null
        )
      )
      and (
        earlier.from_account_id, earlier.to_account_id, earlier.amount, earlier.event_at,
        earlier.metadata
      ) is not distinct from (
        given.from_account_id, given.to_account_id, given.amount, given.event_at, given.metadata
      ) as is_same
    from given
    inner join given as earlier on given.first_place = earlier.place
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    left join existing on given.id = existing.id
  )

  select
    coalesce(
      array_agg(compared.place order by compared.place) filter (where compared.is_new), '{}'
    ),
    min(compared.place) filter (where not compared.is_same)
  into v_new_places, v_conflict_place
  from compared;

  if v_conflict_place is not null then
    with given as (
      select
        request.place,
        request.id,
        jsonb_build_object(
          'app_id', app_id,
          'from_account_id', request.from_account_id,
          'to_account_id', request.to_account_id,
          'amount', request.amount,
          'event_at', request.event_at,
          'metadata', request.metadata,
          'origin_id', null
        ) as asked
      from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
        with ordinality
        as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
    )

    select given.id, given.asked, earlier.asked
    into v_id, v_given, v_earlier
    from given
    inner join given as earlier on given.id = earlier.id
    where given.place = v_conflict_place
    order by earlier.place
    limit 1;

    v_ok := pgledger.refuse_repeated_transfer(
      v_id, v_given, v_conflict_place, cardinality(ids), v_earlier
    );
  end if;

  return v_new_places;
end;
$$;

comment on function pgledger.new_transfer_places is
  'Places of the new requests of a batch; raises an error for the first that reuses an id for '
  'something else.';

revoke all on function pgledger.new_transfer_places from public;
