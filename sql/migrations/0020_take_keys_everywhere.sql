/*
Batches of holds, of postings and with one answer for each take idempotency keys: the functions that
make them take one more argument.
*/
drop function if exists @extschema@.pgledger_create_holds_bulk(
  text[], text[], numeric[], timestamptz[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists @extschema@.pgledger_post_holds_bulk(
  text[], numeric[], boolean[], timestamptz[], jsonb[], text[], text, boolean
);
drop function if exists @extschema@.pgledger_create_transfers_outcomes(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean, bigint[],
  bigint[], numrange[], numrange[]
);
drop function if exists @extschema@.pgledger_preview_transfers(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean, bigint[],
  bigint[], numrange[], numrange[]
);
drop function if exists pgledger.check_hold_requests(
  text[], text[], numeric[], timestamptz[], timestamptz[], jsonb[], text[], text, text, boolean
);
drop function if exists pgledger.create_repeatable_holds(
  text[], text[], numeric[], timestamptz[], timestamptz[], jsonb[], text[], text, text
);
drop function if exists pgledger.make_holds(
  text[], text[], numeric[], timestamptz[], timestamptz[], jsonb[], text[], text, text, bigint[],
  bigint
);
drop function if exists pgledger.check_posting_requests(
  text[], numeric[], boolean[], timestamptz[], jsonb[], text[], text, boolean
);
drop function if exists pgledger.post_holds(
  text[], numeric[], boolean[], timestamptz[], jsonb[], text[], timestamptz, timestamptz
);
drop function if exists pgledger.post_transfers(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, bigint[], bigint,
  timestamptz, jsonb, bigint[], bigint[], numrange[], numrange[], timestamptz, boolean
);
drop function if exists pgledger.transfer_outcomes(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, boolean, bigint[],
  bigint[], numrange[], numrange[]
);
drop function if exists pgledger.request_failures(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], boolean, bigint[], bigint[],
  numrange[], numrange[]
);
drop function if exists pgledger.request_failure(
  text, text, numeric, timestamptz, jsonb, text, boolean, bigint, bigint, numrange, numrange
);
drop function if exists pgledger.placed_outcome(
  text, text, numeric, timestamptz, jsonb, text, text, text[]
);
drop function if exists pgledger.place_run(
  text[], text[], numeric[], timestamptz[], jsonb[], text[], text
);
drop function if exists pgledger.post_run(
  integer[], text[], text[], numeric[], timestamptz[], jsonb[], text[], text, text, bigint[],
  bigint[], numrange[], numrange[]
);
drop function if exists pgledger.post_runs(
  @extschema@.pgledger_transfer_outcome[], integer[], text[], text[], numeric[], timestamptz[],
  jsonb[], text[], text, text, bigint[], bigint[], numrange[], numrange[]
);
drop function if exists pgledger.run_numbers(text[], integer[]);
drop function if exists pgledger.post_reversal(
  pgledger.transfers, numeric, timestamptz, jsonb, text, text
);
