/*
Transfers may require versions and balances: the functions that make them take more arguments.
*/
drop function if exists @extschema@.pgledger_create_transfer(
  text, text, numeric, timestamptz, jsonb, text, text, boolean
);
drop function if exists @extschema@.pgledger_create_transfers_bulk(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists @extschema@.pgledger_create_transfers_bulk_count(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists @extschema@.pgledger_create_transfers_bulk_ids(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists pgledger.check_transfer_requests(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean, timestamptz, jsonb
);
drop function if exists pgledger.create_bulk_transfers(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists pgledger.create_repeatable_transfer(
  text, text, numeric, timestamptz, jsonb, text, text
);
drop function if exists pgledger.create_repeatable_transfers(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text
);
drop function if exists pgledger.post_transfers(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, bigint[], bigint,
  timestamptz, jsonb
);

alter type @extschema@.pgledger_transfer_outcome
add attribute detail text,
add attribute hint text;

comment on column @extschema@.pgledger_transfer_outcome.detail is
  'More about what is wrong, such as which values of a repeated request differ, or null.';
comment on column @extschema@.pgledger_transfer_outcome.hint is 'What to do about it, or null.';
