/*
Which id each keyed request of a batch gets, for its key's row: the caller's, or the one that
pgledger.post_transfers would give to it at that time. Null for requests without a key whose id the
caller left open, and for those that are skipped.
*/
create or replace function pgledger.ids_under_keys(
  from_account_ids text[],
  to_account_ids text[],
  new_places bigint[],
  ids text[],
  idempotency_keys text[],
  skipped boolean[],
  at timestamptz
)
returns text[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_first_created_at timestamptz;
begin
  if new_places <> '{}' then
    select greatest(at, max(accounts.updated_at) + interval '1 microsecond')
    into v_first_created_at
    from unnest(new_places) as new (place)
    inner join unnest(from_account_ids, to_account_ids) with ordinality
      as request (from_account_id, to_account_id, place) on new.place = request.place
    inner join pgledger.accounts
      on accounts.id in (request.from_account_id, request.to_account_id);
  end if;

  return pgledger.ids_of_new_requests(
    new_places,
    case
      when new_places <> '{}'
        then pgledger.new_transfer_ids(v_first_created_at, cardinality(new_places))
    end,
    ids, idempotency_keys, skipped
  );
end;
$$;

comment on function pgledger.ids_under_keys is
  'The id that each keyed request of a batch gets.';

revoke all on function pgledger.ids_under_keys from public;
