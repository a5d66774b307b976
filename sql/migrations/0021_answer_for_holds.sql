/*
One answer for each request of a batch of holds.
*/
create type @extschema@.pgledger_hold_outcome as (
  request_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  error_name text collate "C",
  reason text,
  detail text,
  hint text,
  created_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  posted_amount numeric,
  hold_status text collate "C"
);

comment on type @extschema@.pgledger_hold_outcome is
  'What became of one request of a batch of holds whose requests succeed or fail each by itself.';
comment on column @extschema@.pgledger_hold_outcome.request_index is
  'Which request of the batch this is about, from 1.';
comment on column @extschema@.pgledger_hold_outcome.status is
  'What became of it; one of: made, replayed, failed.';
comment on column @extschema@.pgledger_hold_outcome.id is
  'Public id of the hold, pglh_ and a ULID; null for a failed request.';
comment on column @extschema@.pgledger_hold_outcome.error is
  'SQLSTATE of the error of a failed request, or null.';
comment on column @extschema@.pgledger_hold_outcome.error_name is
  'Name of that error, as pgledger_errors_v1 has it, or null.';
comment on column @extschema@.pgledger_hold_outcome.reason is 'What is wrong, in words, or null.';
comment on column @extschema@.pgledger_hold_outcome.detail is
  'More about what is wrong, such as which values of a repeated request differ, or null.';
comment on column @extschema@.pgledger_hold_outcome.hint is 'What to do about it, or null.';
comment on column @extschema@.pgledger_hold_outcome.created_at is
  'When the hold was recorded, or null.';
comment on column @extschema@.pgledger_hold_outcome.expires_at is
  'When the hold expires, as it stands now, or null.';
comment on column @extschema@.pgledger_hold_outcome.ended_at is
  'When a replayed hold was posted, voided or expired, or null.';
comment on column @extschema@.pgledger_hold_outcome.posted_amount is
  'How much of the hold has been posted so far, or null.';
comment on column @extschema@.pgledger_hold_outcome.hold_status is
  'State of the hold now; one of: pending, posted, voided, expired; null for a failed request.';

revoke all on type @extschema@.pgledger_hold_outcome from public;
grant usage on type @extschema@.pgledger_hold_outcome to pgledger_reader;

drop function if exists pgledger.check_balance(bigint, numeric, numeric, bigint, bigint, boolean);
