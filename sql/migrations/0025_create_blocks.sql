/*
Blocks: what has changed, numbered after commit. Writing calls know nothing of them. A block says
which versions of which accounts it covers, so transfers lie in it by both of their legs; which
holds were made; and which of the rows below it has taken.

Versions of an account have no gap and commit in order, because the account's row is locked. A block
is made from one snapshot, and the next one from a later snapshot. So a transfer that is visible is
covered by the block of that snapshot on both of its sides, or on none.

There are no foreign keys, for the reason given for accounts of transfers.
*/
create table pgledger.noted_changes (
  number bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  version bigint not null,
  block bigint,
  changed_at timestamptz not null,
  entity text collate "C" not null,
  change text collate "C" not null,
  entity_id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  details jsonb,
  constraint noted_changes_number_pk primary key (number),
  constraint noted_changes_entity_entity_id_version_key unique (entity, entity_id, version)
);

create index noted_changes_block_idx on pgledger.noted_changes (block);

comment on table pgledger.noted_changes is
  'One row for each change of what keeps no history of its own: extended, voided and expired '
  'holds, and billing. Rows never change, except that a block takes them.';
comment on column pgledger.noted_changes.number is
  'Internal number. A change that another one led to has a lower one.';
comment on column pgledger.noted_changes.version is
  'Number of the change among those of the same thing, from 1 without a gap.';
comment on column pgledger.noted_changes.block is
  'Block that has taken it; null as long as none has.';
comment on column pgledger.noted_changes.changed_at is
  'When it was recorded: not before anything recorded of the same thing.';
comment on column pgledger.noted_changes.entity is
  'Kind of the thing; one of: hold, subscription, invoice, payment, credit, entitlement.';
comment on column pgledger.noted_changes.change is 'What happened to it, in one word or two.';
comment on column pgledger.noted_changes.entity_id is 'Public id of the thing, or its key.';
comment on column pgledger.noted_changes.app_id is 'Set of books, or app.';
comment on column pgledger.noted_changes.tenant_id is 'Tenant; the empty text for holds.';
comment on column pgledger.noted_changes.details is 'JSON object with more about it, or null.';

create table pgledger.blocks (
  number bigint not null,
  made_at timestamptz not null,
  changes integer not null,
  mark text collate "C" not null,
  constraint blocks_number_pk primary key (number),
  constraint blocks_number_is_above_0_check check (number > 0)
);

comment on table pgledger.blocks is
  'One row a block of changes. Rows never change.';
comment on column pgledger.blocks.number is 'Number of the block, from 1 without a gap.';
comment on column pgledger.blocks.made_at is 'When it was made, later than what lies in it.';
comment on column pgledger.blocks.changes is
  'How many changes it covers, without the ends of posted holds.';
comment on column pgledger.blocks.mark is
  '16 random hexadecimal digits. Cursors carry them, so that a block which was rolled back, or is '
  'of another database, is not taken for this one.';

create table pgledger.block_accounts (
  account_key bigint not null,
  block bigint not null,
  from_version bigint not null,
  to_version bigint not null,
  from_change bigint not null,
  to_change bigint not null,
  is_first boolean not null,
  constraint block_accounts_account_key_block_pk primary key (account_key, block)
);

create index block_accounts_block_idx on pgledger.block_accounts (block);

comment on table pgledger.block_accounts is
  'One row for each account that changed in a block. Rows never change.';
comment on column pgledger.block_accounts.account_key is 'Account that changed.';
comment on column pgledger.block_accounts.block is 'Block that covers the change.';
comment on column pgledger.block_accounts.from_version is
  'Version up to which earlier blocks cover its entries.';
comment on column pgledger.block_accounts.to_version is
  'Version up to which this block covers them.';
comment on column pgledger.block_accounts.from_change is
  'Number up to which earlier blocks cover its account_changes.';
comment on column pgledger.block_accounts.to_change is
  'Number up to which this block covers them.';
comment on column pgledger.block_accounts.is_first is
  'Whether no earlier block covers the account: that it was opened belongs to this one.';

create table pgledger.covered_accounts (
  account_key bigint not null,
  version bigint not null,
  change bigint not null,
  constraint covered_accounts_account_key_pk primary key (account_key)
) with (fillfactor = 50);

comment on table pgledger.covered_accounts is
  'How far blocks cover each account: the newest row of block_accounts, kept small and close.';
comment on column pgledger.covered_accounts.account_key is 'Account.';
comment on column pgledger.covered_accounts.version is 'Version that blocks cover.';
comment on column pgledger.covered_accounts.change is 'Number of account_changes that they cover.';

create table pgledger.block_holds (
  block bigint not null,
  placed_at timestamptz not null,
  hold_id text collate "C" not null,
  constraint block_holds_hold_id_pk primary key (hold_id)
);

create index block_holds_block_idx on pgledger.block_holds (block);

comment on table pgledger.block_holds is
  'One row for each hold that a block covers the making of. Rows never change.';
comment on column pgledger.block_holds.block is 'Block that covers it.';
comment on column pgledger.block_holds.placed_at is
  'Its place in the block: created_at, or the first posting''s where the clock had stepped back.';
comment on column pgledger.block_holds.hold_id is 'Hold that was made.';

revoke all on table pgledger.noted_changes from public;
grant select on table pgledger.noted_changes to pgledger_auditor;
revoke all on table pgledger.blocks from public;
grant select on table pgledger.blocks to pgledger_auditor;
revoke all on table pgledger.block_accounts from public;
grant select on table pgledger.block_accounts to pgledger_auditor;
revoke all on table pgledger.covered_accounts from public;
grant select on table pgledger.covered_accounts to pgledger_auditor;
revoke all on table pgledger.block_holds from public;
grant select on table pgledger.block_holds to pgledger_auditor;

-- What became of holds before these changes were noted. When an extension was made is not known.
insert into pgledger.noted_changes (
  version, changed_at, entity, change, entity_id, app_id, tenant_id, details
)
select
  row_number() over (partition by past.id order by past.place),
  past.changed_at,
  'hold',
  past.change,
  past.id,
  past.app_id,
  '',
  past.details
from (
  select
    holds.id,
    holds.app_id,
    1,
    'extended',
    holds.created_at,
    jsonb_build_object(
      'expires_at', (to_jsonb(holds.expires_at at time zone 'UTC') #>> '{}') || 'Z'
    )
  from pgledger.holds
  where holds.expires_at is distinct from holds.first_expires_at
  union all
  select
    holds.id,
    holds.app_id,
    2,
    case holds.status when 2 then 'voided' else 'expired' end,
    greatest(
      holds.created_at,
      holds.ended_at,
      case when holds.posted_amount > 0 then (
        select max(transfers.created_at)
        from pgledger.transfers
        where transfers.app_id = holds.app_id
          and transfers.origin_id = holds.id
      ) end
    ),
    jsonb_build_object('released_amount', (holds.amount - holds.posted_amount)::text)
  from pgledger.holds
  where holds.status in (2, 3)
) as past (id, app_id, place, change, changed_at, details)
order by past.changed_at, past.id, past.place;

create type @extschema@.pgledger_change as (
  cursor text collate "C",
  block bigint,
  entity text collate "C",
  change text collate "C",
  entity_id text collate "C",
  version bigint,
  recorded_at timestamptz,
  app_id text collate "C",
  tenant_id text collate "C",
  details jsonb
);

comment on type @extschema@.pgledger_change is
  'Something that happened to the books or in billing, once and for all in its place.';
comment on column @extschema@.pgledger_change.cursor is
  'Where it stands: give it to pgledger_changes to go on after it.';
comment on column @extschema@.pgledger_change.block is 'Number of the block that covers it.';
comment on column @extschema@.pgledger_change.entity is
  'What it happened to; one of: account, transfer, hold, subscription, invoice, payment, credit, '
  'entitlement.';
comment on column @extschema@.pgledger_change.change is
  'What happened, for example opened, posted, reversed, made, voided, finalized.';
comment on column @extschema@.pgledger_change.entity_id is
  'Public id of what it happened to.';
comment on column @extschema@.pgledger_change.version is
  'Number of the change among those of the same thing, from 1; 0 for the opening of an account, '
  'the making of a hold, and a transfer (null for the end of a posted hold), or null.';
comment on column @extschema@.pgledger_change.recorded_at is 'When it was recorded.';
comment on column @extschema@.pgledger_change.app_id is
  'Set of books or app; the empty text where there is only one.';
comment on column @extschema@.pgledger_change.tenant_id is
  'Tenant; the empty text for transfers and holds, which have two accounts.';
comment on column @extschema@.pgledger_change.details is
  'JSON object with more about it, amounts as texts, or null.';

revoke all on type @extschema@.pgledger_change from public;
grant usage on type @extschema@.pgledger_change to pgledger_reader;
