/*
Transfers. One row holds both legs, so a transfer that does not balance cannot be written down.

There is no foreign key to accounts: it would lock both accounts a second time for every row. The
accounts of a transfer exist all the same: the writing functions hold both rows locked, and accounts
are never deleted. There are no CHECK constraints, for the reason given for accounts.
*/
create table pgledger.transfers (
  from_key bigint not null,
  to_key bigint not null,
  from_version bigint not null,
  to_version bigint not null,
  created_at timestamptz not null,
  event_at timestamptz,
  id text collate "C" not null,
  app_id text collate "C" not null,
  amount numeric not null,
  from_balance numeric not null,
  to_balance numeric not null,
  group_id text collate "C",
  origin_id text collate "C",
  metadata jsonb,
  -- Ids ascend, so pages of this index are filled once and for all. What is left free is for ids
  -- that come a little late: with nothing free, each of them would split a page into halves.
  constraint transfers_id_pk primary key (id) with (fillfactor = 95),
  constraint transfers_from_key_from_version_key unique (from_key, from_version),
  constraint transfers_to_key_to_version_key unique (to_key, to_version)
);

create index transfers_app_id_group_id_idx on pgledger.transfers (app_id, group_id)
where group_id is not null;
create index transfers_app_id_origin_id_idx on pgledger.transfers (app_id, origin_id)
where origin_id is not null;

-- Rows lie in the order of recording, so ranges of pages tell ranges of both times, at a tenth of
-- a byte a transfer. A range of pages keeps up to eight ranges of event times, so that a few which
-- were given late do not blur the rest. A range is summarized when the next one begins.
create index transfers_event_at_created_at_idx on pgledger.transfers using brin (
  coalesce(event_at, created_at) timestamptz_minmax_multi_ops (values_per_range = 16),
  created_at timestamptz_minmax_ops
) with (pages_per_range = 32, autosummarize = on);

comment on table pgledger.transfers is
  'One row a transfer, with both of its legs: the account that the amount left and the one that '
  'it reached. Rows are never updated or deleted; a correction is another transfer.';
comment on column pgledger.transfers.from_key is 'Account that the amount left.';
comment on column pgledger.transfers.to_key is 'Account that the amount reached.';
comment on column pgledger.transfers.from_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column pgledger.transfers.to_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column pgledger.transfers.created_at is
  'When it was recorded: not before the call, and later than everything recorded before on either '
  'account.';
comment on column pgledger.transfers.event_at is
  'When it happened in the world, as given; null if it was not given, and then it is created_at.';
comment on column pgledger.transfers.id is 'Public id: pglt_ and a ULID.';
comment on column pgledger.transfers.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column pgledger.transfers.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column pgledger.transfers.from_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column pgledger.transfers.to_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column pgledger.transfers.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column pgledger.transfers.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';
comment on column pgledger.transfers.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.transfers from public;
grant select on table pgledger.transfers to pgledger_auditor;
