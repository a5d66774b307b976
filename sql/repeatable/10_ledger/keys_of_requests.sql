/*
What came of the keyed requests of a batch that are repeats: of earlier calls, or of one another.
Element n of each array belongs to request n. result_ids has what came of an earlier call; its
first_places the place of the earlier request of the batch that has the same key, where no earlier
call has. The lowest request whose key was used for another one is refused.

The caller has locked the accounts: see pgledger.key_of_request.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.keys_of_requests(
  app_id text,
  idempotency_keys text[],
  function_name text,
  requests jsonb[],
  out result_ids text[],
  out first_places bigint[],
  out repeated boolean[]
)
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_place bigint;
  v_request jsonb;
  v_earlier pgledger.idempotency_keys;
  v_ok boolean;
begin
  with given as materialized (
    select
      request.place, request.key, request.asked,
      case
        when request.key is null then request.place
        else min(request.place) over (partition by request.key)
      end as first_place
    from unnest(keys_of_requests.idempotency_keys, requests) with ordinality
      as request (key, asked, place)
  ),

  compared as (
    select
      given.place, given.first_place, given.asked, stored.result_id,
      stored.created_at is not null as is_stored,
      coalesce(stored.function_name, keys_of_requests.function_name)
      = keys_of_requests.function_name
      and coalesce(stored.request, earlier.asked) is not distinct from given.asked as is_same
    from given
    inner join given as earlier on given.first_place = earlier.place
    left join pgledger.idempotency_keys as stored
      on keys_of_requests.app_id = stored.app_id and given.key = stored.idempotency_key
  )

  select
    array_agg(compared.result_id order by compared.place),
    array_agg(
      case
        when not compared.is_stored and compared.first_place < compared.place
          then compared.first_place
      end
      order by compared.place
    ),
    array_agg(
      compared.is_stored or compared.first_place < compared.place order by compared.place
    ),
    min(compared.place) filter (where not compared.is_same)
  into
    keys_of_requests.result_ids, keys_of_requests.first_places, keys_of_requests.repeated, v_place
  from compared;

  if v_place is not null then
    -- A caller's array may begin at another place than 1.
    idempotency_keys := array(select unnest(idempotency_keys));
    v_request := requests[v_place];
    v_earlier := (
      select stored
      from pgledger.idempotency_keys as stored
      where stored.app_id = keys_of_requests.app_id
        and stored.idempotency_key = keys_of_requests.idempotency_keys[v_place]
    );
    if v_earlier.created_at is null then
      v_earlier.app_id := app_id;
      v_earlier.idempotency_key := idempotency_keys[v_place];
      v_earlier.function_name := function_name;
      v_earlier.request := requests[array_position(idempotency_keys, idempotency_keys[v_place])];
    end if;
    v_ok := pgledger.refuse_key(
      v_earlier, function_name, v_request, v_place, cardinality(idempotency_keys)
    );
  end if;
end;
$$;

comment on function pgledger.keys_of_requests is
  'What came of the requests of a batch that repeat others under their keys; raises an error for '
  'the first whose key was used for another request.';

revoke all on function pgledger.keys_of_requests from public;
