/*
Creates a batch in which the caller chose keys or ids, so that some requests may be repeats: of
earlier calls, or of one another. Locks the accounts, finds out which requests are repeats under
their keys, takes the keys of the others, and leaves the rest to
pgledger.create_repeatable_transfers. It answers, in the order of the requests, with the id of each
one's transfer and whether that existed already.

The keys are written before the transfers, with ids that are made here for that: from the same time
as the transfers get.

Where the accounts were given by name, the arrays of names say what was asked for.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the inserted rows of the keys ascending
by key, then those of pgledger.post_transfers.
Errors: those of pgledger.check_accounts, pgledger.keys_of_requests, pgledger.take_keys and
pgledger.create_repeatable_transfers.
*/
create or replace function pgledger.create_keyed_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[],
  function_name text default 'pgledger_create_transfer',
  from_names text[] default null,
  to_names text[] default null,
  currencies text[] default null,
  from_tenant_ids text[] default null,
  to_tenant_ids text[] default null,
  out transfer_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_locked_ids text[];
  v_requests jsonb[];
  v_keys record;
  v_now timestamptz;
  v_ids text[] := ids;
  v_skipped boolean[];
  v_ok boolean;
begin
  if array_remove(idempotency_keys, null) <> '{}' then
    v_locked_ids := pgledger.lock_accounts(from_account_ids || to_account_ids);
    v_ok := pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, null, cardinality(from_account_ids)
    );

    v_requests := pgledger.keyed_requests(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, group_id,
      require_from_versions, require_to_versions, require_from_balances, require_to_balances,
      idempotency_keys, from_names, to_names, currencies, from_tenant_ids, to_tenant_ids
    );
    v_keys := pgledger.keys_of_requests(app_id, idempotency_keys, function_name, v_requests);
    v_skipped := v_keys.repeated;
    v_now := pgledger.clock();
    v_ids := pgledger.ids_under_keys(
      from_account_ids, to_account_ids,
      pgledger.places_left(
        pgledger.new_transfer_places(
          from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id,
          v_locked_ids
        ),
        v_skipped
      ),
      ids, idempotency_keys, v_skipped, v_now
    );
    v_ok := pgledger.take_keys(app_id, idempotency_keys, function_name, v_requests, v_ids);
  end if;

  select created.transfer_ids, created.replayed
  into create_keyed_transfers.transfer_ids, create_keyed_transfers.replayed
  from pgledger.create_repeatable_transfers(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas,
    coalesce(v_ids, array_fill(null::text, array[cardinality(from_account_ids)])),
    create_keyed_transfers.app_id, create_keyed_transfers.group_id, require_from_versions,
    require_to_versions, require_from_balances, require_to_balances, v_skipped, v_now
  ) as created;

  if true = any(v_skipped) then
    transfer_ids := pgledger.ids_of_repeats(transfer_ids, v_keys.result_ids, v_keys.first_places);
  end if;
end;
$$;

comment on function pgledger.create_keyed_transfers is
  'Creates a batch in which the caller chose keys or ids; transfers that exist are not made again.';

revoke all on function pgledger.create_keyed_transfers from public;
