/*
Keys by which callers name their requests. A key's row says what was asked for and what came of it,
so a repeat needs nothing but the row and what it names. Only requests that give a key have one.

There are no foreign keys, for the reason given for transfers.
*/
create table pgledger.idempotency_keys (
  created_at timestamptz not null,
  app_id text collate "C" not null,
  idempotency_key text collate "C" not null,
  function_name text collate "C" not null,
  result_id text collate "C",
  request jsonb not null,
  constraint idempotency_keys_app_id_idempotency_key_pk primary key (app_id, idempotency_key)
);

-- For the purge: rows lie in the order of their times, so it costs next to nothing.
create index idempotency_keys_created_at_idx
on pgledger.idempotency_keys using brin (created_at) with (autosummarize = on);

comment on table pgledger.idempotency_keys is
  'One row for each request that gave a key. Rows never change, and are deleted only by '
  'pgledger_purge_idempotency_keys.';
comment on column pgledger.idempotency_keys.created_at is 'When the request was made.';
comment on column pgledger.idempotency_keys.app_id is 'Set of books that the key belongs to.';
comment on column pgledger.idempotency_keys.idempotency_key is
  'The caller''s name of the request, 1 to 255 characters.';
comment on column pgledger.idempotency_keys.function_name is
  'Function that was asked; of a request in a batch the one for a single request.';
comment on column pgledger.idempotency_keys.result_id is
  'Transfer, hold or account that came of it, or null if nothing was moved.';
comment on column pgledger.idempotency_keys.request is
  'JSON object of the arguments that were given, without app_id, and without those that only allow '
  'something.';

revoke all on table pgledger.idempotency_keys from public;
grant select on table pgledger.idempotency_keys to pgledger_auditor;

drop function if exists @extschema@.pgledger_create_account(
  text, text, boolean, boolean, jsonb, text, text, text, numeric, numeric
);
drop function if exists @extschema@.pgledger_ensure_account(
  text, text, boolean, boolean, jsonb, text, text, numeric, numeric
);
drop function if exists @extschema@.pgledger_create_hold(
  text, text, numeric, timestamptz, interval, timestamptz, jsonb, text, text, text, boolean
);
drop function if exists @extschema@.pgledger_post_hold(
  text, numeric, boolean, timestamptz, jsonb, text, text, boolean
);
drop function if exists @extschema@.pgledger_void_hold(text, text);
drop function if exists @extschema@.pgledger_extend_hold(text, timestamptz, text);
drop function if exists @extschema@.pgledger_sweep(
  text, text, numeric, numeric, timestamptz, jsonb, text, text, boolean
);
drop function if exists pgledger.make_hold(
  text, text, numeric, timestamptz, interval, timestamptz, jsonb, text, text, text, timestamptz,
  bigint, bigint
);
drop function if exists pgledger.post_pending_hold(
  text, numeric, boolean, timestamptz, jsonb, text, text, bigint, bigint
);
drop function if exists pgledger.repeated_hold(
  text, text, numeric, timestamptz, interval, timestamptz, jsonb, text, text, text, bigint, bigint
);
drop function if exists @extschema@.pgledger_create_transfer(
  text, text, numeric, timestamptz, jsonb, text, text, boolean
);
drop function if exists pgledger.create_repeatable_transfer(
  text, text, numeric, timestamptz, jsonb, text, text
);
