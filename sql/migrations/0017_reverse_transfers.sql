/*
Reversals are transfers whose origin_id is a transfer. Those that were let past limits are written
down here, which is what a check of the books judges them by.

There is no foreign key to transfers, for the reason given for accounts of transfers: both rows are
written by one statement's function, and neither ever changes.
*/
create table pgledger.reversals_over_limits (
  allowed_at timestamptz not null,
  reversal_id text collate "C" not null,
  allowed_by text collate "C" not null,
  allowed_as text collate "C" not null,
  reason text collate "C" not null,
  constraint reversals_over_limits_reversal_id_pk primary key (reversal_id)
);

comment on table pgledger.reversals_over_limits is
  'One row for each reversal that limits of its accounts did not apply to. Rows never change.';
comment on column pgledger.reversals_over_limits.allowed_at is 'created_at of the reversal.';
comment on column pgledger.reversals_over_limits.reversal_id is 'The reversal, a transfer.';
comment on column pgledger.reversals_over_limits.allowed_by is
  'Who was logged in: session_user.';
comment on column pgledger.reversals_over_limits.allowed_as is 'The setting role of that session.';
comment on column pgledger.reversals_over_limits.reason is 'Why, as given.';

revoke all on table pgledger.reversals_over_limits from public;
grant select on table pgledger.reversals_over_limits to pgledger_auditor;
