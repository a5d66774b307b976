/*
Accounts. Every transfer updates the rows of its accounts. So the columns that change stand together
(less to log), pages keep room for the next version of a row beside the last one (heap-only
updates), and no index holds a column that changes.

There are no CHECK constraints: PostgreSQL parses them anew for every statement that writes the
table, which cost a sixth of a transfer. Only the writing functions write here, and they check
first; pgledger_verify() checks what was written.
*/
create table pgledger.accounts (
  -- An entry's id has 40 bits for this key: 8 for the node, which is 0 here, and 32 for the count.
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint default 0 not null,
  balance numeric default 0 not null,
  held_out numeric default 0 not null,
  held_in numeric default 0 not null,
  min_balance numeric,
  max_balance numeric,
  status smallint default 0 not null,
  amount_scale smallint,
  allow_negative_balance boolean not null,
  allow_positive_balance boolean not null,
  id text collate "C" not null,
  app_id text collate "C" not null,
  currency text collate "C" not null,
  name text collate "C" not null,
  tenant_id text collate "C" not null,
  metadata jsonb,
  constraint accounts_key_pk primary key (key),
  constraint accounts_id_key unique (id)
) with (fillfactor = 50);

create index accounts_app_id_tenant_id_name_idx
on pgledger.accounts (app_id, tenant_id, name);

comment on table pgledger.accounts is
  'One row an account: what it is, and its balance and version after the newest transfer. '
  'Rows are never deleted; id, key, app, currency, name, tenant, limits and metadata never change.';
comment on column pgledger.accounts.key is
  'Internal key of the account; transfers refer to it. 8 bits name the node, 32 count.';
comment on column pgledger.accounts.created_at is 'When the account was recorded.';
comment on column pgledger.accounts.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself. The next '
  'transfer is later.';
comment on column pgledger.accounts.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column pgledger.accounts.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column pgledger.accounts.held_out is
  'Sum of what open holds keep back to leave the account; 0 as long as there are no holds.';
comment on column pgledger.accounts.held_in is
  'Sum of what open holds keep back on other accounts to reach this one; 0 as long as there are '
  'no holds.';
comment on column pgledger.accounts.min_balance is
  'The balance less held_out never falls below this limit; null for none.';
comment on column pgledger.accounts.max_balance is
  'The balance plus held_in never exceeds this limit; null for none.';
comment on column pgledger.accounts.status is
  '0: open. 1: frozen, nothing may leave. 2: frozen, nothing may reach it. 3: frozen for both. 4: '
  'closed.';
comment on column pgledger.accounts.amount_scale is
  'Decimal places that amounts may have; null for 18.';
comment on column pgledger.accounts.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger.accounts.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger.accounts.id is 'Public id: pgla_ and a ULID.';
comment on column pgledger.accounts.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column pgledger.accounts.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column pgledger.accounts.name is 'Name for people, 1 to 255 characters, as given.';
comment on column pgledger.accounts.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column pgledger.accounts.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.accounts from public;
grant select on table pgledger.accounts to pgledger_auditor;

/*
Accounts whose newest time is ahead of the clock, and that may post all the same. Only where an
account is ahead does a transfer look here. There is no foreign key: PostgreSQL would queue its
check at every update of an account.
*/
create table pgledger.accepted_times (
  account_key bigint not null,
  newest_at timestamptz not null,
  accepted_at timestamptz not null,
  origin_key bigint,
  accepted_by text collate "C" not null,
  accepted_as text collate "C" not null,
  reason text collate "C" not null,
  constraint accepted_times_account_key_newest_at_pk primary key (account_key, newest_at)
);

comment on table pgledger.accepted_times is
  'One row for each time ahead of the clock that was accepted for an account. Rows never change.';
comment on column pgledger.accepted_times.account_key is 'Account that may post.';
comment on column pgledger.accepted_times.newest_at is
  'Newest time of the account when it was accepted. The account may post up to a day beyond it.';
comment on column pgledger.accepted_times.accepted_at is 'When it was accepted.';
comment on column pgledger.accepted_times.origin_key is
  'Account whose accepted time a transfer has brought to this one; null if it was accepted itself.';
comment on column pgledger.accepted_times.accepted_by is 'Who was logged in: session_user.';
comment on column pgledger.accepted_times.accepted_as is 'The setting role of that session.';
comment on column pgledger.accepted_times.reason is 'Why, as given.';

revoke all on table pgledger.accepted_times from public;
grant select on table pgledger.accepted_times to pgledger_auditor;

create table pgledger.clock_settings (
  is_only boolean default true not null,
  warn_after interval not null,
  constraint clock_settings_is_only_pk primary key (is_only),
  constraint clock_settings_is_only_one_row_check check (is_only),
  constraint clock_settings_warn_after_is_0_to_1_day_check
  check (warn_after between interval '0' and interval '1 day')
);

comment on table pgledger.clock_settings is
  'When a call warns of the clock; without a row, when an account is a minute ahead.';
comment on column pgledger.clock_settings.is_only is 'True: there is one row at most.';
comment on column pgledger.clock_settings.warn_after is
  'How far an account may be ahead of the clock before calls warn.';

revoke all on table pgledger.clock_settings from public;
grant select on table pgledger.clock_settings to pgledger_auditor;
