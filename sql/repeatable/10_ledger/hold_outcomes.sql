/*
Makes of a batch of holds what can be made, and says of each request what became of it: as if each
had been a call of its own, in a savepoint of its own. Only a wrong shape refuses the whole batch.

First each request is looked at by itself. Then the accounts of the others are locked, all at once,
so that the order of locks is that of every batch, and pgledger.make_sound_holds does the rest.

If another session takes an id or a key meanwhile, what was made is taken back and all is looked at
again: then what took it can be seen, and its request is told so. Each time at least one more is
seen. Under repeatable read and serializable the whole call is to be run again.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then those of pgledger.make_sound_holds.
Errors: those of pgledger.check_hold_batch; what is not one of pgledger's errors.
*/
create or replace function pgledger.hold_outcomes(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  idempotency_keys text[],
  out outcomes @extschema@.pgledger_hold_outcome[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_locked_ids text[];
  v_constraint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_hold_batch(
    from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, app_id,
    group_id, idempotency_keys
  );

  -- A slice is counted from 1, whatever the array is counted from.
  from_account_ids := from_account_ids[:];
  to_account_ids := to_account_ids[:];
  amounts := amounts[:];
  expires_ats := expires_ats[:];
  event_ats := event_ats[:];
  metadatas := metadatas[:];
  ids := ids[:];
  idempotency_keys := idempotency_keys[:];

  outcomes := pgledger.hold_request_failures(
    from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
    allow_future_event_at, idempotency_keys
  );
  amounts := array(
    select case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
    from unnest(amounts) as given (amount)
  );
  v_locked_ids := array(
    select accounts.id
    from pgledger.accounts
    where accounts.id = any(
      array(
        select unnest(array[from_account_ids[place], to_account_ids[place]])
        from generate_series(1, cardinality(from_account_ids)) as place
        where (outcomes[place]).status is null
      )
    )
    order by accounts.id
    for no key update
  );

  loop
    begin
      outcomes := pgledger.make_sound_holds(
        outcomes, v_locked_ids, from_account_ids, to_account_ids, amounts, expires_ats, event_ats,
        metadatas, ids, app_id, group_id, idempotency_keys
      );
      return;
    exception
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if
          v_constraint is distinct from 'holds_id_pk'
          and v_constraint is distinct from 'idempotency_keys_app_id_idempotency_key_pk'
        then
          raise;
        end if;
        v_ok := pgledger.look_again();
    end;
  end loop;
end;
$$;

comment on function pgledger.hold_outcomes is
  'Makes of a batch of holds what can be made; returns what became of each request.';

revoke all on function pgledger.hold_outcomes from public;
