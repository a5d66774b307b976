/*
pgledger 0.1.0.dev0, everything in one file. Generated; do not edit.

Installs into a database that has nothing of pgledger, in one transaction:

  psql -v ON_ERROR_STOP=1 -f pgledger.sql

The functions and views go into the schema "public", unless the session names another:

  PGOPTIONS='-c pgledger.schema=money' psql -v ON_ERROR_STOP=1 -f pgledger.sql

Everything will belong to the role pgledger_owner, which is made if it is missing.
Later versions come with `pgledger migrate`, which takes over from here.
*/
begin;

set local client_encoding = 'UTF8';
set local client_min_messages = 'warning';
set local standard_conforming_strings = 'on';
set local check_function_bodies = 'on';
set local transform_null_equals = 'off';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local default_tablespace = '';
set local default_table_access_method = 'heap';
set local row_security = 'on';
set local lock_timeout = '5000ms';
set local statement_timeout = '0';
set local idle_in_transaction_session_timeout = '0';
set local search_path = pg_catalog, pg_temp;

do $guard$
declare
  v_surface constant text := coalesce(
    nullif(pg_catalog.current_setting('pgledger.schema', true), ''), 'public');
begin
  if pg_catalog.current_setting('server_version_num')::integer < 150000 then
    raise exception 'pgledger needs PostgreSQL 15 or newer, this is %',
      pg_catalog.current_setting('server_version');
  end if;
  if exists (
    select
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'pgledger' and relname = 'schema_history'
  ) then
    raise exception 'pgledger is installed in the database % already',
      pg_catalog.current_database()
      using hint = 'Upgrade it with: pgledger migrate';
  end if;
  if v_surface in ('pgledger', 'information_schema') or v_surface like 'pg\_%' then
    raise exception 'the public functions and views cannot be in the schema %', v_surface;
  end if;
  if exists (
    select
    from pg_catalog.pg_namespace
    where nspname = v_surface
      and (
        exists (
          select from pg_catalog.pg_class
          where relnamespace = pg_namespace.oid and relname like 'pgledger\_%')
        or exists (
          select from pg_catalog.pg_proc
          where pronamespace = pg_namespace.oid and proname like 'pgledger\_%'))
  ) then
    raise exception 'the schema % has objects named pgledger_... already', v_surface
      using hint = 'They are not of this pgledger; name another schema.';
  end if;
end
$guard$;

do $roles$
declare
  v_surface constant text := coalesce(
    nullif(pg_catalog.current_setting('pgledger.schema', true), ''), 'public');
  v_migrator constant text := current_user;
  v_roles constant text[] := array[
    'pgledger_owner', 'pgledger_poster', 'pgledger_reader', 'pgledger_auditor'];
  v_is_16 constant boolean :=
    pg_catalog.current_setting('server_version_num')::integer >= 160000;
  v_role text;
begin
  foreach v_role in array v_roles loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute pg_catalog.format('create role %I nologin', v_role);
      exception
        -- Roles belong to all databases of the server: another one's migration was faster.
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
  -- The writing functions run with this role's rights.
  if exists (
    select
    from pg_catalog.pg_roles
    where rolname = 'pgledger_owner'
      and (rolsuper or rolcanlogin or rolcreaterole or rolcreatedb or rolreplication
        or rolbypassrls)
  ) then
    raise exception 'the role pgledger_owner exists and is more than an owner of tables'
      using hint = 'Take from it: login, superuser, createrole, createdb, replication, bypassrls.';
  end if;
  foreach v_role in array array['pgledger_poster', 'pgledger_auditor'] loop
    if not pg_catalog.pg_has_role(v_role, 'pgledger_reader', 'MEMBER') then
      execute pg_catalog.format('grant pgledger_reader to %I', v_role);
    end if;
  end loop;
  if v_migrator is not null
    and not pg_catalog.pg_has_role(
      v_migrator, 'pgledger_owner', case when v_is_16 then 'SET' else 'MEMBER' end)
  then
    execute pg_catalog.format('grant pgledger_owner to %I', v_migrator)
      || case when v_is_16 then ' with inherit true, set true' else '' end;
  end if;
  if not pg_catalog.has_database_privilege(
    'pgledger_owner', pg_catalog.current_database(), 'create')
  then
    execute pg_catalog.format(
      'grant create on database %I to pgledger_owner', pg_catalog.current_database());
  end if;
  -- A schema that is still to be made will be pgledger_owner's own.
  if exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    if not pg_catalog.has_schema_privilege('pgledger_owner', v_surface, 'create')
      or not pg_catalog.has_schema_privilege('pgledger_owner', v_surface, 'usage')
    then
      execute pg_catalog.format('grant create, usage on schema %I to pgledger_owner', v_surface);
    end if;
    foreach v_role in array v_roles loop
      if not pg_catalog.has_schema_privilege(v_role, v_surface, 'usage') then
        execute pg_catalog.format('grant usage on schema %I to %I', v_surface, v_role);
      end if;
    end loop;
  end if;
end
$roles$;

set local role pgledger_owner;

do $surface$
declare
  v_surface constant text := coalesce(
    nullif(pg_catalog.current_setting('pgledger.schema', true), ''), 'public');
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);
    execute pg_catalog.format(
      'grant usage on schema %I to pgledger_poster, pgledger_reader, pgledger_auditor', v_surface);
  end if;
  perform pg_catalog.set_config(
    'search_path', pg_catalog.quote_ident(v_surface) || ', pg_temp', true);
end
$surface$;

-- file: migrations/0001_create_foundation.sql
/*
The private schema and the record of what has been applied to this database.

Everything below is created by the role that will own it: pgledger_owner, or, without roles of our
own, the role that migrates.
*/
create schema pgledger;

comment on schema pgledger is
  'Private part of pgledger: tables, private types and helper functions. '
  'Applications use the functions and views named pgledger_*, never this schema.';

revoke all on schema pgledger from public;
grant usage on schema pgledger to pgledger_auditor;

create table pgledger.schema_history (
  name text collate "C" not null,
  kind text collate "C" not null,
  sha256 text collate "C" not null,
  applied_at timestamptz not null,
  package_version text not null,
  constraint schema_history_name_pk primary key (name),
  constraint schema_history_kind_is_versioned_or_repeatable_check
  check (kind in ('versioned', 'repeatable')),
  constraint schema_history_sha256_is_64_hex_digits_check
  check (sha256 ~ '^[0-9a-f]{64}$')
);

comment on table pgledger.schema_history is
  'One row for each SQL file applied to this database; `pgledger migrate` compares them.';
comment on column pgledger.schema_history.name is
  'Path of the file below sql/, for example migrations/0001_create_foundation.sql.';
comment on column pgledger.schema_history.kind is
  'versioned: run once, never edited. repeatable: applied again whenever a file changed.';
comment on column pgledger.schema_history.sha256 is
  'SHA-256 of the file as applied, 64 lower-case hexadecimal digits.';
comment on column pgledger.schema_history.applied_at is
  'When the file was last applied: the start of the migration''s transaction.';
comment on column pgledger.schema_history.package_version is
  'Version of the pgledger package that applied the file.';

revoke all on table pgledger.schema_history from public;
grant select on table pgledger.schema_history to pgledger_auditor;

-- file: migrations/0002_create_accounts.sql
/*
Accounts. The row is updated by every transfer that touches it, so its changing columns stand
together (a small difference to log), pages keep room for the next version of a row beside the last
one (heap-only updates), and no index holds a column that changes.

No CHECK constraints: PostgreSQL parses them anew for every statement that writes the table, which
cost a sixth of a transfer. The writing functions are the only writers and check on the way in;
pgledger_verify() checks what was written.
*/
create table pgledger.accounts (
  -- An entry's id has 40 bits for it.
  key bigint generated always as identity (maxvalue 1099511627775),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint default 0 not null,
  balance numeric default 0 not null,
  allow_negative_balance boolean not null,
  allow_positive_balance boolean not null,
  id text collate "C" not null,
  app_id text collate "C" not null,
  currency text collate "C" not null,
  name text not null,
  tenant_id text collate "C" not null,
  metadata jsonb,
  constraint accounts_key_pk primary key (key),
  constraint accounts_id_key unique (id)
) with (fillfactor = 50);

create index accounts_app_id_tenant_id_name_idx on pgledger.accounts (app_id, tenant_id, name);

comment on table pgledger.accounts is
  'One row an account: what it is, and its balance and version after the newest transfer. '
  'Rows are never deleted; id, key, app, currency, name, tenant, limits and metadata never change.';
comment on column pgledger.accounts.key is
  'Internal number of the account, at most 40 bits; transfers refer to it.';
comment on column pgledger.accounts.created_at is 'When the account was recorded.';
comment on column pgledger.accounts.updated_at is
  'created_at of the newest transfer, or of the account itself. The next transfer is later.';
comment on column pgledger.accounts.version is
  'Count of the account''s entries. Versions of entries run from 1 to this without a gap.';
comment on column pgledger.accounts.balance is
  'Sum of the account''s entries in units of its currency, at most 18 decimal places.';
comment on column pgledger.accounts.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger.accounts.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger.accounts.id is 'Public id: pgla_ and a ULID.';
comment on column pgledger.accounts.app_id is
  'Which set of books the account belongs to; the empty text where there is only one.';
comment on column pgledger.accounts.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column pgledger.accounts.name is 'Name for people: 1 to 255 characters, as given.';
comment on column pgledger.accounts.tenant_id is
  'Whose account it is; the empty text where there are no tenants.';
comment on column pgledger.accounts.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.accounts from public;
grant select on table pgledger.accounts to pgledger_auditor;

-- file: migrations/0003_create_transfers.sql
/*
Transfers. One row holds both legs, so a transfer that does not balance cannot be written down.

There is no foreign key to accounts: it would lock both accounts a second time for every row. That
the accounts exist is kept by the writing functions, which hold both rows locked, and by accounts
never being deleted. There are no CHECK constraints, for the reason given for accounts.
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
  metadata jsonb,
  constraint transfers_id_pk primary key (id),
  constraint transfers_from_key_from_version_key unique (from_key, from_version),
  constraint transfers_to_key_to_version_key unique (to_key, to_version)
);

create index transfers_app_id_group_id_idx on pgledger.transfers (app_id, group_id)
where group_id is not null;

comment on table pgledger.transfers is
  'One row a transfer, with both of its legs: the account it leaves and the account it reaches. '
  'Rows are never updated or deleted; a correction is another transfer.';
comment on column pgledger.transfers.from_key is 'Account that the amount leaves.';
comment on column pgledger.transfers.to_key is 'Account that the amount reaches.';
comment on column pgledger.transfers.from_version is 'Version of the account it leaves, after it.';
comment on column pgledger.transfers.to_version is 'Version of the account it reaches, after it.';
comment on column pgledger.transfers.created_at is
  'When it was recorded, read under both accounts'' locks: later than anything recorded on them.';
comment on column pgledger.transfers.event_at is
  'When it happened in the world, if the caller said so; null means at created_at.';
comment on column pgledger.transfers.id is 'Public id: pglt_ and a ULID.';
comment on column pgledger.transfers.app_id is 'Set of books, that of both accounts.';
comment on column pgledger.transfers.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column pgledger.transfers.from_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger.transfers.to_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger.transfers.group_id is
  'Name given by the caller to join the transfers of one call, for example an order''s number.';
comment on column pgledger.transfers.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.transfers from public;
grant select on table pgledger.transfers to pgledger_auditor;

-- file: migrations/0004_create_transfer_request.sql
/*
Element of the arrays that pgledger_create_transfers takes. Its three attributes stay as they are
for ever: callers write plain rows, which match it by position.
*/
create type pgledger_transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type pgledger_transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount). '
  'Written as a plain row: (''pgla_...'', ''pgla_...'', 12.34).';
comment on column pgledger_transfer_request.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfer_request.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfer_request.amount is 'What to move, in units of the currency.';

revoke all on type pgledger_transfer_request from public;
grant usage on type pgledger_transfer_request to pgledger_reader;

-- file: repeatable/10_ids/10_clock.sql
/*
The only source of time. Wall-clock time, not the transaction's start: two overlapping transactions
would otherwise record times that contradict the order in which they changed an account.
Tests replace it; nothing else does.
*/
create or replace function pgledger.clock()
returns timestamptz
language sql
volatile
parallel safe
as $$
  select pg_catalog.clock_timestamp()
$$;

comment on function pgledger.clock is
  'The time now, at microsecond precision, advancing within a transaction. Only tests replace it.';

revoke all on function pgledger.clock from public;

-- file: repeatable/10_ids/20_error_registry.sql
/*
Every error of pgledger, one row each: the one home of codes, names and texts. The message is a
form for format(); its arguments are given where the error is raised. Codes are of SQLSTATE class
LG and are never reused. None of these errors is cured by running the same transaction again at
once: those that are (40001, 40P01, 55P03) are PostgreSQL's own.
*/
create or replace function pgledger.error_registry()
returns table (code text, name text, message text, hint text, retryable boolean)
language sql
immutable
parallel safe
as $$
  values
    (
      'LG001', 'InvalidId', '%s is not a valid id: %s',
      'An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, '
      'O and U, the first at most 7.',
      false
    ),
    (
      'LG002', 'InvalidIdPrefix', '%s is not a valid prefix for ids',
      'A prefix is 1 to 16 lower-case letters a-z, for example pgla.',
      false
    ),
    (
      'LG003', 'NullArgument', '%s must not be null',
      'Give a value; an argument that has a default may be left out.',
      false
    ),
    (
      'LG004', 'InvalidName', 'account name %s is not valid: %s',
      'A name has 1 to 255 characters and at least one that can be seen.',
      false
    ),
    (
      'LG005', 'InvalidCurrency', 'currency %s is not valid: %s',
      'A currency is 1 to 32 visible characters without spaces, for example USD.',
      false
    ),
    (
      'LG006', 'InvalidScope', '%s %s is not valid: %s',
      'app_id and tenant_id have at most 128 characters, group_id 1 to 255, all of them visible.',
      false
    ),
    (
      'LG007', 'InvalidMetadata', 'metadata is not valid: %s',
      'Metadata is a JSON object of at most 65536 bytes, or null. Store large things elsewhere and '
      'a reference here.',
      false
    ),
    (
      'LG008', 'InvalidTime', '%s %s is not valid: %s',
      'Give a finite time from the year 1 to the year 9999.',
      false
    ),
    (
      'LG009', 'EventAtInFuture', 'event_at %s is more than a day ahead of %s',
      'If the event really is that far ahead, call with allow_future_event_at => true.',
      false
    ),
    (
      'LG010', 'InvalidAmount', 'amount %s is not valid: %s',
      'An amount is a number above 0 and below 1e30 with at most 18 decimal places. To move money '
      'the other way, swap the accounts.',
      false
    ),
    (
      'LG011', 'SameAccount', 'cannot transfer from account %s to itself',
      'A transfer needs two different accounts.',
      false
    ),
    (
      'LG012', 'InvalidBatch', '%s',
      'Give one-dimensional arrays of equal length, one element a transfer; an optional array may '
      'be left out.',
      false
    ),
    (
      'LG013', 'BatchTooLarge', '%s requests in one call, at most %s are taken',
      'Split the requests into several calls, in one transaction if they belong together.',
      false
    ),
    (
      'LG014', 'InvalidPage', '%s %s is not valid: %s',
      'page_size is 1 to 10000; after_version is the account_version of the last entry of the page '
      'before, or null.',
      false
    ),
    (
      'LG020', 'AccountNotFound', 'account %s does not exist%s',
      'Check the id, and the app_id: an account is found only under its own app.',
      false
    ),
    (
      'LG021', 'TransferNotFound', 'transfer %s does not exist%s',
      'Check the id, and the app_id: a transfer is found only under its own app.',
      false
    ),
    (
      'LG022', 'CurrencyMismatch',
      'cannot transfer between different currencies: account %s is in %s, account %s in %s',
      'An exchange is two transfers in one call, each within its currency, through accounts that '
      'hold both currencies'' liquidity.',
      false
    ),
    (
      'LG023', 'IdempotencyConflict', 'id %s is already taken by a different request',
      'Send exactly the same request to get its first result again, or choose a new id.',
      false
    ),
    (
      'LG024', 'InsufficientFunds',
      'account %s (%s) does not allow a negative balance: %s less %s would leave %s',
      'Move a smaller amount, or move money into the account first.',
      false
    ),
    (
      'LG025', 'PositiveBalanceNotAllowed',
      'account %s (%s) does not allow a positive balance: %s plus %s would leave %s',
      'Move a smaller amount, or move money out of the account first.',
      false
    ),
    (
      'LG026', 'BalanceOutOfRange', 'account %s (%s) cannot hold a balance of %s',
      'A balance stays above -1e30 and below 1e30.',
      false
    ),
    (
      'LG030', 'ImmutableRecord', '%s on %s is not allowed: its rows never change',
      'Correct a transfer with another transfer.',
      false
    )
$$;

comment on function pgledger.error_registry is
  'Every error of pgledger: SQLSTATE, name, form of the message, hint, whether a retry can help.';

-- The view of errors calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.error_registry from public;
grant execute on function pgledger.error_registry to pgledger_reader;

-- file: repeatable/10_ids/30_fail.sql
/*
Raises the error of that code, and never returns. The message is the registry's form filled in with
the arguments; in a batch it begins with the request that is at fault, counted from 1.
*/
create or replace function pgledger.fail(
  code text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_message text;
  v_hint text;
begin
  select
    format(registry.message, variadic fail.arguments),
    registry.hint
  into strict v_message, v_hint
  from pgledger.error_registry() as registry
  where registry.code = fail.code;

  if fail.request_index is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  raise exception using errcode = fail.code, message = v_message, hint = v_hint;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that SQLSTATE with its message filled in.';

revoke all on function pgledger.fail from public;

-- file: repeatable/10_ids/31_abridged.sql
/*
A value as a message shows it: whole, or its beginning and dots. A caller may give us megabytes.
*/
create or replace function pgledger.abridged(value text)
returns text
language sql
immutable
parallel safe
as $$
  select case when char_length(value) > 64 then left(value, 61) || '...' else value end
$$;

comment on function pgledger.abridged is 'A value as a message shows it, at most 64 characters.';

revoke all on function pgledger.abridged from public;

-- file: repeatable/10_ids/40_invisible_characters.sql
/*
One character that cannot be seen, as a regular expression: controls, white space of every width,
joiners, direction marks, fillers, variation selectors and tags. Two texts that look the same and
differ in one of these would name two currencies.
*/
create or replace function pgledger.invisible_characters()
returns text
language sql
immutable
parallel safe
as $$
  select
    E'[\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5'
    '\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164'
    '\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\U00013430-\\U00013438'
    '\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]'
$$;

comment on function pgledger.invisible_characters is
  'Regular expression that matches one character which cannot be seen.';

revoke all on function pgledger.invisible_characters from public;

-- file: repeatable/10_ids/41_text_fault.sql
/*
Says what is wrong with a text that a caller gives to name something, or null if nothing is.
A blank text has no visible character. Where allow_invisible is false, every character must be
visible. The text itself is stored as given.
*/
create or replace function pgledger.text_fault(
  value text,
  minimum integer,
  maximum integer,
  allow_invisible boolean
)
returns text
language sql
stable
parallel safe
as $$
  select case
    when value is null then 'it is null'
    when char_length(value) > maximum
      then format('it has %s characters, at most %s are allowed', char_length(value), maximum)
    when value = '' and minimum > 0 then 'it is empty'
    when value = '' then null
    when regexp_replace(value, pgledger.invisible_characters(), '', 'g') = ''
      then 'no character of it can be seen'
    when not allow_invisible and value collate "C" ~ pgledger.invisible_characters()
      then 'it contains a space, a control character or another character that cannot be seen'
  end
$$;

comment on function pgledger.text_fault is
  'What is wrong with a text that names something (its length, blank, invisible), or null.';

revoke all on function pgledger.text_fault from public;

-- file: repeatable/10_ids/50_base32_lanes.sql
/*
Spreads the low 40 bits of a number over eight bytes, five bits a byte, most significant first: its
digits in base 32. Three halvings (2 x 20 bits, 4 x 10, 8 x 5) instead of eight shifts, written as
one expression so that the planner inlines it; give it a plain variable or column, because it
stands in it eight times. Constants are decimal because PostgreSQL 15 has no hexadecimal ones.
*/
create or replace function pgledger.base32_lanes(bits bigint)
returns bigint
language sql
immutable
parallel safe
as $$
  select
    (
      (
        (
          ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
          | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
        ) & 279227437569541088
      ) << 3
    )
    | (
      (
        ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
        | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
      ) & 8725857424048159
    )
$$;

comment on function pgledger.base32_lanes is
  'The low 40 bits of a number as eight base-32 digits, one a byte.';

revoke all on function pgledger.base32_lanes from public;

-- file: repeatable/10_ids/51_base32_text.sql
/*
Writes eight base-32 digits, one a byte, in Crockford's alphabet. Added to the code of '0' are 7
from digit 10 on (the letters), and 1 more after each of I, L, O and U that is left out; each
comparison is one addition over all eight bytes, whose carry into the sixth bit says "at least".
*/
create or replace function pgledger.base32_text(lanes bigint)
returns text
language sql
immutable
parallel safe
as $$
  select encode(
    int8send(
      lanes + 3472328296227680304
      + 7 * (((lanes + 1591483802437686806) >> 5) & 72340172838076673)
      + (((lanes + 1012762419733073422) >> 5) & 72340172838076673)
      + (((lanes + 868082074056920076) >> 5) & 72340172838076673)
      + (((lanes + 723401728380766730) >> 5) & 72340172838076673)
      + (((lanes + 361700864190383365) >> 5) & 72340172838076673)
    ),
    'escape'
  )
$$;

comment on function pgledger.base32_text is
  'Eight base-32 digits, one a byte, as eight characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_text from public;

-- file: repeatable/10_ids/52_base32_pair.sql
/*
Two characters of Crockford's alphabet for ten bits: what is left over of 130 bits (26 characters)
after three groups of eight.
*/
create or replace function pgledger.base32_pair(bits integer)
returns text
language sql
immutable
parallel safe
as $$
  select
    substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((bits >> 5) & 31) + 1, 1)
    || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (bits & 31) + 1, 1)
$$;

comment on function pgledger.base32_pair is
  'Ten bits as two characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_pair from public;

-- file: repeatable/10_ids/60_new_ulid.sql
/*
A new ULID for that time, whose bits are a UUIDv7 of RFC 9562: 48 bits of milliseconds, the version,
12 bits of the fraction of the millisecond (each microsecond has its own value, so ids of different
microseconds sort by them), the variant, and random bits. Made by hand on every major: a server's
own uuidv7() cannot be told the time, and a stranger may have one of the same name.

A transaction that makes one transfer runs this once, so what counts is the number of operators,
each of which is set up anew. Hence the halvings of pgledger.base32_lanes written out over
variables, and a tail of twelve hexadecimal digits, which are digits of Crockford's alphabet as
they stand: 48 random bits within a microsecond, the other bits zero.
*/
create or replace function pgledger.new_ulid(at timestamptz)
returns text
language plpgsql
volatile
parallel safe
as $$
declare
  v_microseconds bigint := extract(epoch from at) * 1000000;
  -- Eight characters: milliseconds but their last ten bits.
  v_head bigint := v_microseconds / 1024000;
  -- Six characters: those ten bits, version 7, the fraction, variant 2 and two zero bits.
  v_rest bigint :=
    (((v_microseconds / 1000) & 1023) << 20)
    | 458760
    | (((v_microseconds % 1000) * 4096 / 1000) << 4);
begin
  v_head := ((v_head & 1099510579200) << 12) | (v_head & 1048575);
  v_head := ((v_head & 4499201581906944) << 6) | (v_head & 4393751544831);
  v_head := ((v_head & 279227437569541088) << 3) | (v_head & 8725857424048159);
  v_rest := ((v_rest & 1099510579200) << 12) | (v_rest & 1048575);
  v_rest := ((v_rest & 4499201581906944) << 6) | (v_rest & 4393751544831);
  v_rest := ((v_rest & 279227437569541088) << 3) | (v_rest & 8725857424048159);

  -- Added to each byte is the code of '0'; the characters that follow '9' there become letters.
  return translate(
    encode(
      int8send(v_head + 3472328296227680304)
      || substring(int8send(v_rest + 3472328296227680304) from 3),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text holds neither its version nor its variant.
  || translate(right(gen_random_uuid()::text, 12), 'abcdef', 'ABCDEF');
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; underneath it is a UUIDv7.';

revoke all on function pgledger.new_ulid from public;

-- file: repeatable/10_ids/61_entry_id.sql
/*
The id of an entry, which is not stored: the ULID of when it was recorded (milliseconds, 48 bits),
its account (40 bits) and its version on that account (40 bits). Unique, ascending along an account.

Views call it with the privileges and the search_path of whoever reads them; hence its own.
*/
create or replace function pgledger.entry_id(
  created_at timestamptz,
  account_key bigint,
  account_version bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_milliseconds bigint := floor(extract(epoch from entry_id.created_at) * 1000);
  v_time bigint := pgledger.base32_lanes(v_milliseconds);
  v_account bigint := pgledger.base32_lanes(entry_id.account_key);
  v_version bigint := pgledger.base32_lanes(entry_id.account_version);
begin
  return 'pgle_'
    -- 48 bits are two bits short of ten characters: the first two hold the upper eight bits.
    || pgledger.base32_pair((v_milliseconds >> 40)::integer)
    || pgledger.base32_text(v_time)
    || pgledger.base32_text(v_account)
    || pgledger.base32_text(v_version);
end;
$$;

comment on function pgledger.entry_id is
  'Id of the entry of that account and version, recorded at that time.';

revoke all on function pgledger.entry_id from public;
grant execute on function pgledger.entry_id to pgledger_reader;

-- file: repeatable/10_ids/70_ulid_fault.sql
/*
Says what is wrong with a ULID, or null if nothing is. The reader of a message should see at once
which of the usual mistakes it is, so the first that applies is named.
*/
create or replace function pgledger.ulid_fault(ulid text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when ulid is null then 'it is null'
    when char_length(ulid) <> 26
      then format('its ULID has %s characters instead of 26', char_length(ulid))
    when ulid collate "C" ~ '[a-z]' then 'its ULID has lower-case letters'
    when ulid collate "C" ~ '[ILOU]' then 'I, L, O and U are not used in a ULID'
    when ulid collate "C" !~ '^[0-9A-HJKMNP-TV-Z]*$'
      then 'its ULID has characters other than 0-9 and A-Z'
    when ulid collate "C" >= '8'
      then 'the first character of its ULID is above 7, which is more than 128 bits hold'
  end
$$;

comment on function pgledger.ulid_fault is 'What is wrong with a ULID, or null.';

revoke all on function pgledger.ulid_fault from public;

-- file: repeatable/10_ids/71_id_fault.sql
/*
Says what is wrong with an id that must carry that prefix, or null if nothing is.
*/
create or replace function pgledger.id_fault(id text, prefix text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when id is null then 'it is null'
    when id collate "C" ~ ('^' || prefix || '_[0-7][0-9A-HJKMNP-TV-Z]{25}$') then null
    when not starts_with(id, prefix || '_')
      then format('it does not begin with %s_', prefix)
    else pgledger.ulid_fault(substr(id, char_length(prefix) + 2))
  end
$$;

comment on function pgledger.id_fault is
  'What is wrong with an id that must be that prefix, an underscore and a ULID, or null.';

revoke all on function pgledger.id_fault from public;

-- file: repeatable/10_ids/80_pgledger_generate_id.sql
/*
Makes a new id. Strictly ascending within a session, within a statement and between statements,
while the clock does not step back: the function does not return before the clock has left the
microsecond that the id was made of, however fast the machine. The wait is bounded, because a clock
that stands still (a test's) must not hang a session.

Errors: InvalidIdPrefix.
*/
create or replace function pgledger_generate_id(prefix text)
returns text
language plpgsql
volatile
parallel restricted
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
begin
  if (prefix collate "C" ~ '^[a-z]{1,16}$') is not true then
    perform pgledger.fail('LG002', array[quote_nullable(pgledger.abridged(prefix))]);
  end if;

  for v_attempt in 1..100 loop
    exit when pgledger.clock() > v_now;
  end loop;

  return prefix || '_' || pgledger.new_ulid(v_now);
end;
$$;

comment on function pgledger_generate_id is
  'Makes a new id: the prefix (1 to 16 letters a-z), an underscore and a ULID. '
  'Ids of one session ascend. Errors: InvalidIdPrefix.';

revoke all on function pgledger_generate_id from public;
grant execute on function pgledger_generate_id to pgledger_reader;

-- file: repeatable/10_ids/81_pgledger_uuid_to_ulid.sql
/*
The ULID of the same 128 bits as a UUID. Null for null.
*/
create or replace function pgledger_uuid_to_ulid(uuid uuid)
returns text
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_hex text := encode(uuid_send(uuid), 'hex');
  v_head bigint := ('x' || substr(v_hex, 3, 10))::bit(40)::bigint;
  v_middle bigint := ('x' || substr(v_hex, 13, 10))::bit(40)::bigint;
  v_tail bigint := ('x' || substr(v_hex, 23, 10))::bit(40)::bigint;
begin
  v_head := pgledger.base32_lanes(v_head);
  v_middle := pgledger.base32_lanes(v_middle);
  v_tail := pgledger.base32_lanes(v_tail);

  return pgledger.base32_pair(('x' || left(v_hex, 2))::bit(8)::integer)
    || pgledger.base32_text(v_head)
    || pgledger.base32_text(v_middle)
    || pgledger.base32_text(v_tail);
end;
$$;

comment on function pgledger_uuid_to_ulid is
  'The ULID, 26 characters, of the same 128 bits as the UUID.';

revoke all on function pgledger_uuid_to_ulid from public;
grant execute on function pgledger_uuid_to_ulid to pgledger_reader;

-- file: repeatable/10_ids/82_pgledger_ulid_to_uuid.sql
/*
The UUID of the same 128 bits as a ULID. Null for null. A text that is not exactly 26 characters of
Crockford's alphabet within 128 bits is refused: guessing at a mistyped id moves the wrong money.

Errors: InvalidId.
*/
create or replace function pgledger_ulid_to_uuid(ulid text)
returns uuid
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := pgledger.ulid_fault(ulid);
  v_bits text;
begin
  if v_fault is not null then
    perform pgledger.fail('LG001', array[quote_nullable(pgledger.abridged(ulid)), v_fault]);
  end if;

  select string_agg(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(ulid, place, 1)) - 1)::bit(5)::text,
    '' order by place
  )
  into v_bits
  from generate_series(1, 26) as place;

  -- 26 characters hold 130 bits; the first two are zero, or the ULID would have been refused.
  return encode(
    int8send(substr(v_bits, 3, 64)::bit(64)::bigint)
    || int8send(substr(v_bits, 67, 64)::bit(64)::bigint),
    'hex'
  )::uuid;
end;
$$;

comment on function pgledger_ulid_to_uuid is
  'The UUID of the same 128 bits as the ULID (26 characters, without a prefix). '
  'Errors: InvalidId.';

revoke all on function pgledger_ulid_to_uuid from public;
grant execute on function pgledger_ulid_to_uuid to pgledger_reader;

-- file: repeatable/10_ids/83_pgledger_id_timestamp.sql
/*
The time inside an id, with or without its prefix. Null for null. The interval is added in whole
seconds and in milliseconds, each exact in the double precision that intervals are multiplied in.

Errors: InvalidId.
*/
create or replace function pgledger_id_timestamp(id text)
returns timestamptz
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_prefix text := substring(id collate "C" from '^([a-z]{1,16})_');
  v_ulid text := case when v_prefix is null then id else substr(id, char_length(v_prefix) + 2) end;
  v_fault text := pgledger.ulid_fault(v_ulid);
  v_milliseconds bigint;
begin
  if v_fault is not null then
    perform pgledger.fail('LG001', array[quote_nullable(pgledger.abridged(id)), v_fault]);
  end if;

  select sum(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(v_ulid, place, 1)) - 1)::bigint
    << (5 * (10 - place))
  )
  into v_milliseconds
  from generate_series(1, 10) as place;

  return timestamptz 'epoch'
    + (v_milliseconds / 1000) * interval '1 second'
    + (v_milliseconds % 1000) * interval '1 millisecond';
end;
$$;

comment on function pgledger_id_timestamp is
  'The time inside an id, with or without its prefix, in whole milliseconds. '
  'Errors: InvalidId.';

revoke all on function pgledger_id_timestamp from public;
grant execute on function pgledger_id_timestamp to pgledger_reader;

-- file: repeatable/10_ids/90_pgledger_errors_v1.sql
/*
The registry of errors, readable by everyone who may call anything.
*/
create or replace view pgledger_errors_v1 as
select
  registry.code,
  registry.name,
  registry.message,
  registry.hint,
  registry.retryable
from pgledger.error_registry() as registry;

comment on view pgledger_errors_v1 is
  'Every error that pgledger raises: its SQLSTATE, name, the form of its message (%s stands for a '
  'value), what to do, and whether running the same transaction again at once can help.';
comment on column pgledger_errors_v1.code is 'SQLSTATE, of class LG.';
comment on column pgledger_errors_v1.name is 'Name, which is also that of the Python class.';
comment on column pgledger_errors_v1.message is 'Form of the message; %s stands for a value.';
comment on column pgledger_errors_v1.hint is 'What to do about it.';
comment on column pgledger_errors_v1.retryable is
  'Whether the same transaction can succeed when it is run again at once.';

revoke all on table pgledger_errors_v1 from public;
grant select on table pgledger_errors_v1 to pgledger_reader;

-- file: repeatable/20_ledger_views/10_pgledger_accounts_v1.sql
/*
Accounts as applications see them. Columns never change; a change of shape is a new version.
*/
create or replace view pgledger_accounts_v1 as
select
  accounts.id,
  accounts.name,
  accounts.currency,
  accounts.balance,
  accounts.version,
  accounts.allow_negative_balance,
  accounts.allow_positive_balance,
  accounts.metadata,
  accounts.created_at,
  accounts.updated_at,
  accounts.app_id,
  accounts.tenant_id
from pgledger.accounts
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view pgledger_accounts_v1 is
  'One row an account, with its balance and version after the newest transfer.';
comment on column pgledger_accounts_v1.id is 'Id of the account: pgla_ and a ULID.';
comment on column pgledger_accounts_v1.name is 'Name for people, as given.';
comment on column pgledger_accounts_v1.currency is 'Unit of the balance.';
comment on column pgledger_accounts_v1.balance is
  'Sum of the account''s entries, in units of the currency.';
comment on column pgledger_accounts_v1.version is 'Count of the account''s entries.';
comment on column pgledger_accounts_v1.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger_accounts_v1.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger_accounts_v1.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_accounts_v1.created_at is 'When the account was recorded.';
comment on column pgledger_accounts_v1.updated_at is
  'When the newest transfer was recorded, or the account itself.';
comment on column pgledger_accounts_v1.app_id is
  'Set of books that the account belongs to; empty where there is only one.';
comment on column pgledger_accounts_v1.tenant_id is
  'Whose account it is; empty where there are no tenants.';

revoke all on table pgledger_accounts_v1 from public;
grant select on table pgledger_accounts_v1 to pgledger_reader;

-- file: repeatable/20_ledger_views/20_pgledger_transfers_v1.sql
/*
Transfers as applications see them, with both accounts as they stood after each.
*/
create or replace view pgledger_transfers_v1 as
select
  transfers.id,
  source.id as from_account_id,
  target.id as to_account_id,
  transfers.amount,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  source.currency,
  source.name as from_account_name,
  target.name as to_account_name,
  transfers.from_balance as from_account_balance,
  transfers.to_balance as to_account_balance,
  transfers.from_version as from_account_version,
  transfers.to_version as to_account_version,
  transfers.group_id,
  transfers.app_id,
  source.tenant_id as from_tenant_id,
  target.tenant_id as to_tenant_id
from pgledger.transfers
inner join pgledger.accounts as source on transfers.from_key = source.key
inner join pgledger.accounts as target on transfers.to_key = target.key;

comment on view pgledger_transfers_v1 is
  'One row a transfer: an amount that left one account and reached another, in one currency.';
comment on column pgledger_transfers_v1.id is 'Id of the transfer: pglt_ and a ULID.';
comment on column pgledger_transfers_v1.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfers_v1.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfers_v1.amount is 'What moved, above 0, in units of the currency.';
comment on column pgledger_transfers_v1.created_at is
  'When it was recorded. Ascends along each account.';
comment on column pgledger_transfers_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfers_v1.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfers_v1.currency is 'Currency of both accounts.';
comment on column pgledger_transfers_v1.from_account_name is 'Name of the account it leaves.';
comment on column pgledger_transfers_v1.to_account_name is 'Name of the account it reaches.';
comment on column pgledger_transfers_v1.from_account_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger_transfers_v1.to_account_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger_transfers_v1.from_account_version is
  'Version of the account it leaves, after it.';
comment on column pgledger_transfers_v1.to_account_version is
  'Version of the account it reaches, after it.';
comment on column pgledger_transfers_v1.group_id is
  'Name that joins the transfers of one call, if the caller gave one.';
comment on column pgledger_transfers_v1.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_transfers_v1.from_tenant_id is 'Whose account it leaves.';
comment on column pgledger_transfers_v1.to_tenant_id is 'Whose account it reaches.';

revoke all on table pgledger_transfers_v1 from public;
grant select on table pgledger_transfers_v1 to pgledger_reader;

-- file: repeatable/20_ledger_views/30_pgledger_entries_v1.sql
/*
Entries as applications see them: the two legs of each transfer.

A page of an account's newest entries is pgledger_account_entries: here, sorting means reading the
whole account first.
*/
create or replace view pgledger_entries_v1 as
select
  pgledger.entry_id(transfers.created_at, transfers.from_key, transfers.from_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  -transfers.amount as amount,
  transfers.from_balance + transfers.amount as account_previous_balance,
  transfers.from_balance as account_current_balance,
  transfers.from_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.from_key = accounts.key
union all
select
  pgledger.entry_id(transfers.created_at, transfers.to_key, transfers.to_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  transfers.amount,
  transfers.to_balance - transfers.amount as account_previous_balance,
  transfers.to_balance as account_current_balance,
  transfers.to_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.to_key = accounts.key;

comment on view pgledger_entries_v1 is
  'One row an entry: two for each transfer, one on each of its accounts. '
  'For pages of one account''s entries use pgledger_account_entries.';
comment on column pgledger_entries_v1.id is
  'Id of the entry: pgle_ and a ULID. Ascends along the account.';
comment on column pgledger_entries_v1.account_id is 'Account that the entry belongs to.';
comment on column pgledger_entries_v1.transfer_id is 'Transfer that the entry is one leg of.';
comment on column pgledger_entries_v1.amount is
  'What the entry adds to the balance: negative on the account that a transfer leaves.';
comment on column pgledger_entries_v1.account_previous_balance is
  'Balance of the account before the entry.';
comment on column pgledger_entries_v1.account_current_balance is
  'Balance of the account after the entry.';
comment on column pgledger_entries_v1.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column pgledger_entries_v1.created_at is
  'When it was recorded. Ascends along the account.';
comment on column pgledger_entries_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_entries_v1.metadata is 'JSON object given with the transfer, or null.';
comment on column pgledger_entries_v1.account_name is 'Name of the account.';
comment on column pgledger_entries_v1.currency is 'Currency of the account.';
comment on column pgledger_entries_v1.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_entries_v1.tenant_id is 'Whose account it is.';

revoke all on table pgledger_entries_v1 from public;
grant select on table pgledger_entries_v1 to pgledger_reader;

-- file: repeatable/20_ledger_views/40_pgledger_accounts_view.sql
/*
The newest version of pgledger_accounts_v1, under the name that stays.
*/
create or replace view pgledger_accounts_view as
select
  newest.id,
  newest.name,
  newest.currency,
  newest.balance,
  newest.version,
  newest.allow_negative_balance,
  newest.allow_positive_balance,
  newest.metadata,
  newest.created_at,
  newest.updated_at,
  newest.app_id,
  newest.tenant_id
from pgledger_accounts_v1 as newest;

comment on view pgledger_accounts_view is 'Accounts: today''s version, pgledger_accounts_v1.';
comment on column pgledger_accounts_view.id is 'Id of the account: pgla_ and a ULID.';
comment on column pgledger_accounts_view.name is 'Name for people, as given.';
comment on column pgledger_accounts_view.currency is 'Unit of the balance.';
comment on column pgledger_accounts_view.balance is
  'Sum of the account''s entries, in units of the currency.';
comment on column pgledger_accounts_view.version is 'Count of the account''s entries.';
comment on column pgledger_accounts_view.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger_accounts_view.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger_accounts_view.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_accounts_view.created_at is 'When the account was recorded.';
comment on column pgledger_accounts_view.updated_at is
  'When the newest transfer was recorded, or the account itself.';
comment on column pgledger_accounts_view.app_id is
  'Set of books that the account belongs to; empty where there is only one.';
comment on column pgledger_accounts_view.tenant_id is
  'Whose account it is; empty where there are no tenants.';

revoke all on table pgledger_accounts_view from public;
grant select on table pgledger_accounts_view to pgledger_reader;

-- file: repeatable/20_ledger_views/41_pgledger_transfers_view.sql
/*
The newest version of pgledger_transfers_v1, under the name that stays.
*/
create or replace view pgledger_transfers_view as
select
  newest.id,
  newest.from_account_id,
  newest.to_account_id,
  newest.amount,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.currency,
  newest.from_account_name,
  newest.to_account_name,
  newest.from_account_balance,
  newest.to_account_balance,
  newest.from_account_version,
  newest.to_account_version,
  newest.group_id,
  newest.app_id,
  newest.from_tenant_id,
  newest.to_tenant_id
from pgledger_transfers_v1 as newest;

comment on view pgledger_transfers_view is 'Transfers: today''s version, pgledger_transfers_v1.';
comment on column pgledger_transfers_view.id is 'Id of the transfer: pglt_ and a ULID.';
comment on column pgledger_transfers_view.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfers_view.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfers_view.amount is
  'What moved, above 0, in units of the currency.';
comment on column pgledger_transfers_view.created_at is
  'When it was recorded. Ascends along each account.';
comment on column pgledger_transfers_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfers_view.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfers_view.currency is 'Currency of both accounts.';
comment on column pgledger_transfers_view.from_account_name is 'Name of the account it leaves.';
comment on column pgledger_transfers_view.to_account_name is 'Name of the account it reaches.';
comment on column pgledger_transfers_view.from_account_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger_transfers_view.from_account_version is
  'Version of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_version is
  'Version of the account it reaches, after it.';
comment on column pgledger_transfers_view.group_id is
  'Name that joins the transfers of one call, if the caller gave one.';
comment on column pgledger_transfers_view.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_transfers_view.from_tenant_id is 'Whose account it leaves.';
comment on column pgledger_transfers_view.to_tenant_id is 'Whose account it reaches.';

revoke all on table pgledger_transfers_view from public;
grant select on table pgledger_transfers_view to pgledger_reader;

-- file: repeatable/20_ledger_views/42_pgledger_entries_view.sql
/*
The newest version of pgledger_entries_v1, under the name that stays.
*/
create or replace view pgledger_entries_view as
select
  newest.id,
  newest.account_id,
  newest.transfer_id,
  newest.amount,
  newest.account_previous_balance,
  newest.account_current_balance,
  newest.account_version,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.account_name,
  newest.currency,
  newest.app_id,
  newest.tenant_id
from pgledger_entries_v1 as newest;

comment on view pgledger_entries_view is 'Entries: today''s version, pgledger_entries_v1.';
comment on column pgledger_entries_view.id is
  'Id of the entry: pgle_ and a ULID. Ascends along the account.';
comment on column pgledger_entries_view.account_id is 'Account that the entry belongs to.';
comment on column pgledger_entries_view.transfer_id is 'Transfer that the entry is one leg of.';
comment on column pgledger_entries_view.amount is
  'What the entry adds to the balance: negative on the account that a transfer leaves.';
comment on column pgledger_entries_view.account_previous_balance is
  'Balance of the account before the entry.';
comment on column pgledger_entries_view.account_current_balance is
  'Balance of the account after the entry.';
comment on column pgledger_entries_view.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column pgledger_entries_view.created_at is
  'When it was recorded. Ascends along the account.';
comment on column pgledger_entries_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_entries_view.metadata is 'JSON object given with the transfer, or null.';
comment on column pgledger_entries_view.account_name is 'Name of the account.';
comment on column pgledger_entries_view.currency is 'Currency of the account.';
comment on column pgledger_entries_view.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_entries_view.tenant_id is 'Whose account it is.';

revoke all on table pgledger_entries_view from public;
grant select on table pgledger_entries_view to pgledger_reader;

-- file: repeatable/30_ledger/05_refuse_change.sql
/*
Keeps what is written as it was written: transfers are never updated, deleted or truncated, accounts
never deleted or truncated, whoever asks. The triggers are ENABLE ALWAYS, so that
session_replication_role does not switch them off, and fire for each row as well as for each
statement, because replication applies rows.

Errors: ImmutableRecord.
*/
create or replace function pgledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.fail('LG030', array[tg_op, format('%I.%I', tg_table_schema, tg_table_name)]);
  return null;
end;
$$;

comment on function pgledger.refuse_change is
  'Trigger: refuses to change or remove rows that never change.';

revoke all on function pgledger.refuse_change from public;

create or replace trigger transfers_rows_never_change
before update or delete on pgledger.transfers
for each row execute function pgledger.refuse_change();

create or replace trigger transfers_never_change
before update or delete or truncate on pgledger.transfers
for each statement execute function pgledger.refuse_change();

create or replace trigger accounts_rows_are_never_deleted
before delete on pgledger.accounts
for each row execute function pgledger.refuse_change();

create or replace trigger accounts_are_never_deleted
before delete or truncate on pgledger.accounts
for each statement execute function pgledger.refuse_change();

alter table pgledger.transfers
enable always trigger transfers_rows_never_change,
enable always trigger transfers_never_change;

alter table pgledger.accounts
enable always trigger accounts_rows_are_never_deleted,
enable always trigger accounts_are_never_deleted;

-- file: repeatable/30_ledger/10_amount_fault.sql
/*
Says what is wrong with an amount, or null if nothing is. Decimal places are those that matter:
trailing zeros do not count.
*/
create or replace function pgledger.amount_fault(amount numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    -- NaN is above everything, so it is refused with what is not below 1e30.
    when amount > 0 and amount < 1e30 and min_scale(amount) <= 18 then null
    when amount is null then 'it is null'
    when amount = 'NaN' then 'it is not a number'
    when amount in ('Infinity', '-Infinity') then 'it is not finite'
    when amount = 0 then 'it is zero'
    when amount < 0 then 'it is negative'
    when amount >= 1e30 then 'it is not below 1e30'
    else format('it has %s decimal places', min_scale(amount))
  end
$$;

comment on function pgledger.amount_fault is 'What is wrong with an amount, or null.';

revoke all on function pgledger.amount_fault from public;

-- file: repeatable/30_ledger/11_time_fault.sql
/*
Says what is wrong with a time that a caller gives, or null if nothing is.
*/
create or replace function pgledger.time_fault(at timestamptz)
returns text
language sql
immutable
parallel safe
as $$
  select case
    when at >= '0001-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00' then null
    when at is null then 'it is null'
    when not isfinite(at) then 'it is not finite'
    when at < '0001-01-01 00:00:00+00' then 'it is before the year 1'
    else 'it is after the year 9999'
  end
$$;

comment on function pgledger.time_fault is 'What is wrong with a time given by a caller, or null.';

revoke all on function pgledger.time_fault from public;

-- file: repeatable/30_ledger/12_in_app.sql
/*
Names the app in a message, unless it is the empty one, of which most callers know nothing.
*/
create or replace function pgledger.in_app(app_id text)
returns text
language sql
immutable
parallel safe
as $$
  select case when app_id <> '' then ' in app ' || quote_literal(app_id) else '' end
$$;

comment on function pgledger.in_app is 'How a message names the app, if it is not the empty one.';

revoke all on function pgledger.in_app from public;

-- file: repeatable/30_ledger/12_metadata_fault.sql
/*
Says what is wrong with metadata, or null if nothing is. Null is no metadata.
*/
create or replace function pgledger.metadata_fault(metadata jsonb)
returns text
language sql
stable
parallel safe
as $$
  select case
    when metadata is null then null
    when jsonb_typeof(metadata) <> 'object'
      then format('it is of type %s, not an object', jsonb_typeof(metadata))
    when octet_length(metadata::text) > 65536
      then format('it has %s bytes, at most 65536 are allowed', octet_length(metadata::text))
  end
$$;

comment on function pgledger.metadata_fault is 'What is wrong with metadata, or null.';

revoke all on function pgledger.metadata_fault from public;

-- file: repeatable/30_ledger/13_check_scope.sql
/*
Refuses an app_id, tenant_id or group_id that could not name anything, or that looks like another.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_scope(
  name text,
  value text,
  minimum integer default 0,
  maximum integer default 128
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, false);
begin
  if value is null then
    perform pgledger.fail('LG003', array[name]);
  elsif v_fault is not null then
    perform pgledger.fail('LG006', array[name, quote_literal(pgledger.abridged(value)), v_fault]);
  end if;
end;
$$;

comment on function pgledger.check_scope is
  'Raises NullArgument or InvalidScope unless the value can be an app_id, tenant_id or group_id.';

revoke all on function pgledger.check_scope from public;

-- file: repeatable/30_ledger/14_check_id.sql
/*
Refuses what is not an id of that prefix. The name is that of the argument.

Errors: NullArgument, InvalidId.
*/
create or replace function pgledger.check_id(
  name text,
  id text,
  prefix text,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.id_fault(id, prefix);
begin
  if id is null then
    perform pgledger.fail('LG003', array[name], request_index, request_count);
  elsif v_fault is not null then
    perform pgledger.fail(
      'LG001',
      array[name || ' ' || quote_literal(pgledger.abridged(id)), v_fault],
      request_index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_id is
  'Raises NullArgument or InvalidId unless the text is an id of that prefix.';

revoke all on function pgledger.check_id from public;

-- file: repeatable/30_ledger/15_check_metadata.sql
/*
Refuses metadata that is not a JSON object, or is too large.

Errors: InvalidMetadata.
*/
create or replace function pgledger.check_metadata(
  metadata jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.metadata_fault(metadata);
begin
  if v_fault is not null then
    perform pgledger.fail('LG007', array[v_fault], request_index, request_count);
  end if;
end;
$$;

comment on function pgledger.check_metadata is
  'Raises InvalidMetadata unless metadata is null or a JSON object that is not too large.';

revoke all on function pgledger.check_metadata from public;

-- file: repeatable/30_ledger/16_check_transfer_request.sql
/*
Refuses a request whose own values are wrong, whatever the accounts hold. The order of the checks is
part of the interface: both account ids, that they differ, the amount, event_at, metadata, the id.

Errors: NullArgument, InvalidId, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
InvalidMetadata.
*/
create or replace function pgledger.check_transfer_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_fault text;
begin
  perform pgledger.check_id(
    'from_account_id', from_account_id, 'pgla', request_index, request_count
  );
  perform pgledger.check_id('to_account_id', to_account_id, 'pgla', request_index, request_count);

  if from_account_id = to_account_id then
    perform pgledger.fail('LG011', array[from_account_id], request_index, request_count);
  end if;

  v_fault := pgledger.amount_fault(amount);
  if v_fault is not null then
    perform pgledger.fail(
      'LG010',
      array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault],
      request_index,
      request_count
    );
  end if;

  v_fault := pgledger.time_fault(event_at);
  if event_at is not null and v_fault is not null then
    perform pgledger.fail(
      'LG008', array['event_at', event_at::text, v_fault], request_index, request_count
    );
  elsif event_at > v_now + interval '1 day' and allow_future_event_at is not true then
    perform pgledger.fail(
      'LG009', array[event_at::text, v_now::text], request_index, request_count
    );
  end if;

  perform pgledger.check_metadata(metadata, request_index, request_count);

  if id is not null then
    perform pgledger.check_id('id', id, 'pglt', request_index, request_count);
  end if;
end;
$$;

comment on function pgledger.check_transfer_request is
  'Raises the first thing that is wrong with a request, looking at the request alone.';

revoke all on function pgledger.check_transfer_request from public;

-- file: repeatable/30_ledger/17_refuse_account.sql
/*
Raises why an account cannot be found: the app or the id is malformed, or there is none.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound.
*/
create or replace function pgledger.refuse_account(
  name text,
  account_id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_id(name, account_id, 'pgla', request_index, request_count);
  perform pgledger.fail(
    'LG020', array[account_id, pgledger.in_app(app_id)], request_index, request_count
  );
end;
$$;

comment on function pgledger.refuse_account is
  'Raises why an account cannot be found; name is the argument that its id was given as.';

revoke all on function pgledger.refuse_account from public;

-- file: repeatable/30_ledger/18_check_balance.sql
/*
Refuses a leg that would break its account's limits. A leg that takes from an account can only take
it below zero, one that gives can only take it above: the other limit was kept before.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balance(
  account_id text,
  account_name text,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  previous_balance numeric,
  change numeric,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_balance numeric := previous_balance + change;
begin
  if change < 0 and v_balance < 0 and not allow_negative_balance then
    perform pgledger.fail(
      'LG024',
      array[account_id, account_name, previous_balance::text, abs(change)::text, v_balance::text],
      request_index,
      request_count
    );
  elsif change > 0 and v_balance > 0 and not allow_positive_balance then
    perform pgledger.fail(
      'LG025',
      array[account_id, account_name, previous_balance::text, change::text, v_balance::text],
      request_index,
      request_count
    );
  elsif abs(v_balance) >= 1e30 then
    perform pgledger.fail(
      'LG026', array[account_id, account_name, v_balance::text], request_index, request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_balance is
  'Raises what is wrong with the balance that a leg would leave, if anything.';

revoke all on function pgledger.check_balance from public;

-- file: repeatable/30_ledger/19_check_accounts.sql
/*
Refuses requests whose account ids are not ids; then those whose accounts do not exist in the app or
are in different currencies. The lowest request first; in it, the account it leaves, the one it
reaches, the currencies.

Only accounts that the caller has locked are taken to exist: one that was created while it waited
for those locks is seen by now, but anyone may be changing it.

Errors: NullArgument, InvalidId, AccountNotFound, CurrencyMismatch.
*/
create or replace function pgledger.check_accounts(
  from_account_ids text[],
  to_account_ids text[],
  app_id text,
  locked_ids text[],
  request_indexes bigint[] default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_fault record;
begin
  for v_fault in
    select
      request.from_account_id,
      request.to_account_id,
      case
        when request_count is not null
          then coalesce(check_accounts.request_indexes[request.place], request.place)
      end as index
    from unnest(from_account_ids, to_account_ids)
      with ordinality as request (from_account_id, to_account_id, place)
    where pgledger.id_fault(request.from_account_id, 'pgla') is not null
      or pgledger.id_fault(request.to_account_id, 'pgla') is not null
    order by request.place
    limit 1
  loop
    perform pgledger.check_id(
      'from_account_id', v_fault.from_account_id, 'pgla', v_fault.index, request_count
    );
    perform pgledger.check_id(
      'to_account_id', v_fault.to_account_id, 'pgla', v_fault.index, request_count
    );
  end loop;

  with account as materialized (
    select accounts.id, accounts.currency
    from pgledger.accounts
    where accounts.id = any(check_accounts.locked_ids)
      and accounts.app_id = check_accounts.app_id
  )
  select
    request.from_account_id,
    request.to_account_id,
    case
      when request_count is not null
        then coalesce(check_accounts.request_indexes[request.place], request.place)
    end as index,
    source.currency as from_currency,
    target.currency as to_currency
  into v_fault
  from unnest(from_account_ids, to_account_ids)
    with ordinality as request (from_account_id, to_account_id, place)
  left join account as source on request.from_account_id = source.id
  left join account as target on request.to_account_id = target.id
  where (source.currency = target.currency) is not true
  order by request.place
  limit 1;

  if not found then
    return;
  elsif v_fault.from_currency is null then
    perform pgledger.refuse_account(
      'from_account_id', v_fault.from_account_id, app_id, v_fault.index, request_count
    );
  elsif v_fault.to_currency is null then
    perform pgledger.refuse_account(
      'to_account_id', v_fault.to_account_id, app_id, v_fault.index, request_count
    );
  else
    perform pgledger.fail(
      'LG022',
      array[
        v_fault.from_account_id, v_fault.from_currency, v_fault.to_account_id, v_fault.to_currency
      ],
      v_fault.index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_accounts is
  'Raises the first request whose accounts do not exist in the app or differ in currency.';

revoke all on function pgledger.check_accounts from public;

-- file: repeatable/30_ledger/20_pgledger_create_account.sql
/*
Creates an account, with a balance of zero.

With an id of the caller's choice the call can be repeated: the second call returns the account as
it stands now if everything it asks for is the same, and is refused if anything differs.

Checks, in this order: app_id, tenant_id, name, currency, limits, metadata, id, repeat.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function pgledger_create_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  tenant_id text default ''
)
returns pgledger_accounts_v1
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_name_fault text := pgledger.text_fault(name, 1, 255, true);
  v_currency_fault text := pgledger.text_fault(currency, 1, 32, false);
  v_created_at timestamptz := pgledger.clock();
  v_id text := coalesce(id, 'pgla_' || pgledger.new_ulid(v_created_at));
  v_account record;
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_scope('tenant_id', tenant_id);

  if v_name_fault is not null then
    perform pgledger.fail('LG004', array[quote_nullable(pgledger.abridged(name)), v_name_fault]);
  elsif v_currency_fault is not null then
    perform pgledger.fail(
      'LG005', array[quote_nullable(pgledger.abridged(currency)), v_currency_fault]
    );
  elsif allow_negative_balance is null then
    perform pgledger.fail('LG003', array['allow_negative_balance']);
  elsif allow_positive_balance is null then
    perform pgledger.fail('LG003', array['allow_positive_balance']);
  end if;

  perform pgledger.check_metadata(metadata);
  perform pgledger.check_id('id', v_id, 'pgla');

  insert into pgledger.accounts (
    created_at, updated_at, allow_negative_balance, allow_positive_balance, id, app_id, currency,
    name, tenant_id, metadata
  )
  values (
    v_created_at,
    v_created_at,
    pgledger_create_account.allow_negative_balance,
    pgledger_create_account.allow_positive_balance,
    v_id,
    pgledger_create_account.app_id,
    pgledger_create_account.currency,
    pgledger_create_account.name,
    pgledger_create_account.tenant_id,
    pgledger_create_account.metadata
  )
  on conflict on constraint accounts_id_key do nothing;

  select
    accounts.id, accounts.name, accounts.currency, accounts.balance, accounts.version,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.metadata,
    accounts.created_at, accounts.updated_at, accounts.app_id, accounts.tenant_id
  into v_account
  from pgledger.accounts
  where accounts.id = v_id;

  if (
    v_account.app_id, v_account.tenant_id, v_account.name, v_account.currency,
    v_account.allow_negative_balance, v_account.allow_positive_balance, v_account.metadata
  ) is distinct from (
    app_id, tenant_id, name, currency, allow_negative_balance, allow_positive_balance, metadata
  ) then
    perform pgledger.fail('LG023', array[v_id]);
  end if;

  return v_account;
end;
$$;

comment on function pgledger_create_account is
  'Creates an account with a balance of zero and returns it. Call it in FROM: '
  '(pgledger_create_account(...)).* calls it once for every column. name: for people, 1 to 255 '
  'characters. currency: unit of the balance, 1 to 32 visible characters. allow_negative_balance, '
  'allow_positive_balance: what transfers may make of the balance. metadata: JSON object, at most '
  '64 KiB. id: pgla_ and a ULID of your own choice, to make the call repeatable. app_id: set of '
  'books. tenant_id: whose account it is. Errors: NullArgument, InvalidScope, InvalidName, '
  'InvalidCurrency, InvalidMetadata, InvalidId, IdempotencyConflict.';

revoke all on function pgledger_create_account from public;
grant execute on function pgledger_create_account to pgledger_poster;

-- file: repeatable/30_ledger/30_pgledger_create_transfer.sql
/*
Moves an amount from one account to another: one row, and both balances, or nothing.

Locks both accounts FOR NO KEY UPDATE, in ascending order of their ids, so that calls never
deadlock with one another and rows of an application that refer to an account are not blocked;
then the transfer's id, if the caller chose it.

With an id of the caller's choice the call can be repeated: the second call returns the first
result if app, accounts, amount, event_at and metadata are the same, and is refused if not.

This is the path for one transfer, and pgledger.post_transfers the one for many: several times
faster each than the other would be in its place. They check the same things, in this order:
app_id; the request's own values; that the accounts exist and share a currency; whether it is a
repeat; limits.
Errors: NullArgument, InvalidScope, InvalidId, SameAccount, InvalidAmount, InvalidTime,
EventAtInFuture, InvalidMetadata, AccountNotFound, CurrencyMismatch, IdempotencyConflict,
InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false
)
returns pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_first_id text := least(from_account_id collate "C", to_account_id);
  v_second_id text := greatest(from_account_id collate "C", to_account_id);
  v_amount numeric := amount;
  v_from record;
  v_to record;
  v_swap record;
  v_earlier record;
  v_created_at timestamptz;
  v_from_balance numeric;
  v_to_balance numeric;
  v_id text := id;
begin
  -- Most requests are seen to be sound by one expression; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and v_first_id <> v_second_id
    and event_at is null and metadata is null and id is null
  ) is not true then
    perform pgledger.check_scope('app_id', app_id);
    perform pgledger.check_transfer_request(
      from_account_id, to_account_id, amount, event_at, metadata, id, allow_future_event_at
    );
    v_amount := case when scale(amount) > 18 then trim_scale(amount) else amount end;
  end if;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_from
  from pgledger.accounts
  where accounts.id = v_first_id
  for no key update;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_to
  from pgledger.accounts
  where accounts.id = v_second_id
  for no key update;

  if v_first_id <> from_account_id then
    v_swap := v_from;
    v_from := v_to;
    v_to := v_swap;
  end if;

  if (
    v_from.currency = v_to.currency and v_from.app_id = app_id and v_to.app_id = app_id
  ) is not true then
    perform pgledger.check_scope('app_id', app_id);
    perform pgledger.check_accounts(
      array[from_account_id],
      array[to_account_id],
      app_id,
      array[
        case when v_from.key is not null then from_account_id end,
        case when v_to.key is not null then to_account_id end
      ]
    );
  end if;

  if id is not null then
    select
      transfers.amount, transfers.created_at, transfers.from_balance, transfers.to_balance,
      transfers.from_version, transfers.to_version, transfers.group_id,
      (
        transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
        transfers.event_at, transfers.metadata
      ) is not distinct from (
        pgledger_create_transfer.app_id, v_from.key, v_to.key, v_amount,
        pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
      ) as is_same
    into v_earlier
    from pgledger.transfers
    where transfers.id = v_id;

    if v_earlier.is_same then
      return row(
        v_id, from_account_id, to_account_id, v_earlier.amount, v_earlier.created_at,
        coalesce(event_at, v_earlier.created_at), metadata, v_from.currency, v_from.name,
        v_to.name, v_earlier.from_balance, v_earlier.to_balance, v_earlier.from_version,
        v_earlier.to_version, v_earlier.group_id, app_id, v_from.tenant_id, v_to.tenant_id
      );
    elsif not v_earlier.is_same then
      perform pgledger.fail('LG023', array[v_id]);
    end if;
  end if;

  v_from_balance := v_from.balance - v_amount;
  v_to_balance := v_to.balance + v_amount;

  if
    v_from_balance < 0 and (not v_from.allow_negative_balance or v_from_balance <= -1e30)
    or v_to_balance > 0 and (not v_to.allow_positive_balance or v_to_balance >= 1e30)
  then
    perform pgledger.check_balance(
      from_account_id, v_from.name, v_from.allow_negative_balance, v_from.allow_positive_balance,
      v_from.balance, -v_amount
    );
    perform pgledger.check_balance(
      to_account_id, v_to.name, v_to.allow_negative_balance, v_to.allow_positive_balance,
      v_to.balance, v_amount
    );
  end if;

  -- Later than anything on either account, whatever the clock does.
  v_created_at := greatest(
    pgledger.clock(),
    v_from.updated_at + interval '1 microsecond',
    v_to.updated_at + interval '1 microsecond'
  );

  if id is null then
    v_id := 'pglt_' || pgledger.new_ulid(v_created_at);

    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    );
  else
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    )
    on conflict on constraint transfers_id_pk do nothing;

    -- Taken since we looked, by someone who did not wait for our accounts: a different request.
    if not found then
      perform pgledger.fail('LG023', array[v_id]);
    end if;
  end if;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_from_balance
  where accounts.key = v_from.key;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_to_balance
  where accounts.key = v_to.key;

  return row(
    v_id, from_account_id, to_account_id, v_amount, v_created_at,
    coalesce(event_at, v_created_at), metadata, v_from.currency, v_from.name, v_to.name,
    v_from_balance, v_to_balance, v_from.version + 1, v_to.version + 1, null::text, app_id,
    v_from.tenant_id, v_to.tenant_id
  );
end;
$$;

comment on function pgledger_create_transfer is
  'Moves an amount from one account to another and returns the transfer, with both new balances. '
  'Call it in FROM: (pgledger_create_transfer(...)).* calls it once for every column. '
  'amount: in units of the accounts'' currency, above 0, below 1e30, at most 18 decimal places. '
  'event_at: when it happened, if not now; at most a day ahead unless allow_future_event_at. '
  'metadata: JSON object, at most 64 KiB. id: pglt_ and a ULID of your own choice, to make the '
  'call repeatable. app_id: set of books. Errors: NullArgument, InvalidScope, InvalidId, '
  'SameAccount, InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata, AccountNotFound, '
  'CurrencyMismatch, IdempotencyConflict, InsufficientFunds, PositiveBalanceNotAllowed, '
  'BalanceOutOfRange.';

revoke all on function pgledger_create_transfer from public;
grant execute on function pgledger_create_transfer to pgledger_poster;

-- file: repeatable/30_ledger/40_check_transfer_requests.sql
/*
Refuses a batch whose shape is wrong, then the lowest of its requests whose own values are wrong.
A sound batch is seen to be sound by one statement; request by request is only looked for the fault.
Account ids are not looked at before that: one that does not exist, for whatever reason, is refused
by pgledger.check_accounts.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, and those of
pgledger.check_transfer_request.
*/
create or replace function pgledger.check_transfer_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null
)
returns void
language plpgsql
volatile
parallel safe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_latest_event_at timestamptz := pgledger.clock() + interval '1 day';
  v_count bigint := cardinality(from_account_ids);
  v_shared_is_sound boolean :=
    pgledger.metadata_fault(shared_metadata) is null
    and (
      shared_event_at is null
      or pgledger.time_fault(shared_event_at) is null
      and (shared_event_at <= v_latest_event_at or allow_future_event_at)
    );
  v_array record;
  v_request record;
begin
  for v_array in
    select given.name, given.size, given.dimensions, given.is_optional
    from (
      values
        (1, 'from_account_ids', v_count, array_ndims(from_account_ids), false),
        (2, 'to_account_ids', cardinality(to_account_ids), array_ndims(to_account_ids), false),
        (3, 'amounts', cardinality(amounts), array_ndims(amounts), false),
        (4, 'event_ats', cardinality(event_ats), array_ndims(event_ats), true),
        (5, 'metadatas', cardinality(metadatas), array_ndims(metadatas), true),
        (6, 'ids', cardinality(ids), array_ndims(ids), true)
    ) as given (place, name, size, dimensions, is_optional)
    where given.size is null and not given.is_optional
      or given.size <> v_count
      or given.dimensions > 1
    order by given.place
  loop
    if v_array.size is null then
      perform pgledger.fail('LG012', array[v_array.name || ' must not be null']);
    elsif v_array.dimensions > 1 then
      perform pgledger.fail(
        'LG012', array[format('%s has %s dimensions', v_array.name, v_array.dimensions)]
      );
    else
      perform pgledger.fail(
        'LG012',
        array[
          format('%s has %s elements, from_account_ids %s', v_array.name, v_array.size, v_count)
        ]
      );
    end if;
  end loop;

  if v_count > 100000 then
    perform pgledger.fail('LG013', array[v_count::text, '100000']);
  end if;

  perform pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    perform pgledger.check_scope('group_id', group_id, 1, 255);
  end if;

  perform
  from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
    as request (from_account_id, to_account_id, amount, event_at, metadata, id)
  where (
    v_shared_is_sound
    and request.from_account_id <> request.to_account_id
    and pgledger.amount_fault(request.amount) is null
    and (
      request.event_at is null
      or pgledger.time_fault(request.event_at) is null
      and (request.event_at <= v_latest_event_at or allow_future_event_at)
    )
    and pgledger.metadata_fault(request.metadata) is null
    and (request.id is null or pgledger.id_fault(request.id, 'pglt') is null)
  ) is not true
  limit 1;

  if not found then
    return;
  end if;

  for v_request in
    select
      request.from_account_id, request.to_account_id, request.amount, request.id, request.index,
      coalesce(request.event_at, shared_event_at) as event_at,
      coalesce(request.metadata, shared_metadata) as metadata
    from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
      with ordinality
      as request (from_account_id, to_account_id, amount, event_at, metadata, id, index)
    order by request.index
  loop
    perform pgledger.check_transfer_request(
      v_request.from_account_id, v_request.to_account_id, v_request.amount, v_request.event_at,
      v_request.metadata, v_request.id, allow_future_event_at, v_request.index, v_count
    );
  end loop;
end;
$$;

comment on function pgledger.check_transfer_requests is
  'Raises what is wrong with a batch''s shape, or with the first of its requests that is wrong.';

revoke all on function pgledger.check_transfer_requests from public;

-- file: repeatable/30_ledger/41_check_balances.sql
/*
Walks through a batch in order, on balances as they stand, and raises the first leg that would break
a limit. Only called when there is one: the set-based path knows that, not which.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balances(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  request_indexes bigint[],
  request_count bigint
)
returns void
language plpgsql
volatile
parallel safe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_leg record;
begin
  for v_leg in
    select
      accounts.id,
      accounts.name,
      accounts.allow_negative_balance,
      accounts.allow_positive_balance,
      accounts.balance + coalesce(
        sum(leg.change) over (
          partition by leg.account_id
          order by leg.place
          rows between unbounded preceding and 1 preceding
        ),
        0
      ) as previous_balance,
      leg.change,
      coalesce(check_balances.request_indexes[leg.place], leg.place) as index
    from (
      select request.place, 1 as side, request.from_account_id as account_id, -request.amount
      from unnest(from_account_ids, amounts)
        with ordinality as request (from_account_id, amount, place)
      union all
      select request.place, 2 as side, request.to_account_id as account_id, request.amount
      from unnest(to_account_ids, amounts)
        with ordinality as request (to_account_id, amount, place)
    ) as leg (place, side, account_id, change)
    inner join pgledger.accounts on leg.account_id = accounts.id
    where accounts.id = any(from_account_ids || to_account_ids)
    order by leg.place, leg.side
  loop
    perform pgledger.check_balance(
      v_leg.id, v_leg.name, v_leg.allow_negative_balance, v_leg.allow_positive_balance,
      v_leg.previous_balance, v_leg.change, v_leg.index, request_count
    );
  end loop;
end;
$$;

comment on function pgledger.check_balances is
  'Raises the first leg of a batch that would break its account''s limits.';

revoke all on function pgledger.check_balances from public;

-- file: repeatable/30_ledger/43_post_transfers.sql
/*
Writes many transfers at once, each new and sound by itself: the path for batches. Three statements,
whatever the number of requests: one locks the accounts; one, whose snapshot shows what those locks
waited for, computes, writes and answers; one updates the accounts.

Only accounts that the first one locked take part: one that was created while it waited is seen by
the second, but anyone may be changing it.

The second leaves out each request that has no accounts, mixes currencies or breaks a limit, so that
a count tells whether there was one; then it is looked for and raised.

Transfer n of the call is created n - 1 microseconds after the first, so that versions and times
ascend together along each account. Their ids share one random tail; their times tell them apart.

Plans are made for the arrays at hand and without nested loops: whatever the statistics say of a
table that was empty yesterday, a batch never costs the square of its size.

What the requests share is given once: 100000 copies of large metadata are more than an array holds.

request_indexes says which request of the caller's each one is, for messages; null, all in order.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the transfers ascending by id.
Errors: those of pgledger.check_accounts and pgledger.check_balances; a unique violation where an
id that a caller chose was taken.
*/
create or replace function pgledger.post_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  request_indexes bigint[],
  request_count bigint,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_amounts numeric[] := amounts;
  v_created_at timestamptz;
  v_microseconds bigint;
  v_head text;
  v_next_head text;
  v_head_places bigint;
  v_tail text;
  v_locked_ids text[];
  v_posted bigint;
begin
  if exists (select from unnest(amounts) as given (amount) where scale(given.amount) > 18) then
    select
      array_agg(
        case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
        order by given.place
      )
    into v_amounts
    from unnest(amounts) with ordinality as given (amount, place);
  end if;

  select
    greatest(pgledger.clock(), max(locked.updated_at) + interval '1 microsecond'),
    coalesce(array_agg(locked.id), '{}')
  into v_created_at, v_locked_ids
  from (
    select accounts.id, accounts.updated_at
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  v_microseconds := extract(epoch from v_created_at) * 1000000;
  v_tail := right(pgledger.new_ulid(v_created_at), 12);

  -- The first eight characters of the ids change once in 1.024 seconds, more than any call spans.
  v_head := left(pgledger.new_ulid(v_created_at), 8);
  v_next_head := left(pgledger.new_ulid(v_created_at + interval '1.024 seconds'), 8);
  v_head_places := 1024000 - v_microseconds % 1024000;

  return query
  with account as materialized (
    select
      accounts.key, accounts.version, accounts.balance, accounts.allow_negative_balance,
      accounts.allow_positive_balance, accounts.id, accounts.app_id, accounts.currency,
      accounts.name, accounts.tenant_id
    from pgledger.accounts
    where accounts.id = any(v_locked_ids)
  ),

  -- Rows stay narrow on their way; what an account is called joins them at the end.
  request as materialized (
    select
      given.place,
      given.amount,
      given.event_at,
      given.metadata,
      given.id,
      source.key as from_key,
      target.key as to_key
    from unnest(from_account_ids, to_account_ids, v_amounts, event_ats, metadatas, ids)
      with ordinality
      as given (from_account_id, to_account_id, amount, event_at, metadata, id, place)
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    where source.currency = target.currency
      and source.app_id = post_transfers.app_id
      and target.app_id = post_transfers.app_id
  ),

  leg as materialized (
    select
      change.place,
      change.is_target,
      account.balance + sum(change.amount) over account_so_far as balance,
      account.version + row_number() over account_so_far as version,
      account.allow_negative_balance,
      account.allow_positive_balance
    from (
      select request.place, false, request.from_key, -request.amount
      from request
      union all
      select request.place, true, request.to_key, request.amount
      from request
    ) as change (place, is_target, key, amount)
    inner join account on change.key = account.key
    window account_so_far as (partition by change.key order by change.place)
  ),

  transfer as materialized (
    select
      request.place,
      request.id as chosen_id,
      'pglt_'
      || case when request.place <= v_head_places then v_head else v_next_head end
      || substr(pgledger.base32_text(digits.lanes), 3)
      || v_tail as generated_id,
      v_created_at + (request.place - 1) * interval '1 microsecond' as created_at,
      request.amount,
      request.event_at,
      request.metadata,
      source.balance as from_balance,
      target.balance as to_balance,
      source.version as from_version,
      target.version as to_version,
      request.from_key,
      request.to_key
    from request
    inner join leg as source on request.place = source.place and not source.is_target
    inner join leg as target on request.place = target.place and target.is_target
    -- The six characters of pgledger.new_ulid that change from one microsecond to the next. Each
    -- OFFSET keeps what a step comes to from being written out wherever it is used.
    cross join lateral (
      select pgledger.base32_lanes(step.bits) as lanes
      from (
        select
          (((clock.microseconds / 1000) & 1023) << 20)
          | 458760
          | (((clock.microseconds % 1000) * 4096 / 1000) << 4) as bits
        from (select v_microseconds + request.place - 1 as microseconds offset 0) as clock
        offset 0
      ) as step
      offset 0
    ) as digits
    where (source.balance >= 0 or source.allow_negative_balance) and source.balance > -1e30
      and (target.balance <= 0 or target.allow_positive_balance) and target.balance < 1e30
  ),

  written as (
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, group_id, metadata
    )
    select
      transfer.from_key, transfer.to_key, transfer.from_version, transfer.to_version,
      transfer.created_at, coalesce(transfer.chosen_id, transfer.generated_id),
      post_transfers.app_id, transfer.amount, transfer.from_balance, transfer.to_balance,
      coalesce(transfer.event_at, shared_event_at), post_transfers.group_id,
      coalesce(transfer.metadata, shared_metadata)
    from transfer
    -- Only an id that a caller chose can be waited for.
    order by transfer.chosen_id, transfer.place
  )

  select
    coalesce(transfer.chosen_id, transfer.generated_id),
    source.id,
    target.id,
    transfer.amount,
    transfer.created_at,
    coalesce(transfer.event_at, shared_event_at, transfer.created_at),
    coalesce(transfer.metadata, shared_metadata),
    source.currency,
    source.name,
    target.name,
    transfer.from_balance,
    transfer.to_balance,
    transfer.from_version,
    transfer.to_version,
    post_transfers.group_id,
    post_transfers.app_id,
    source.tenant_id,
    target.tenant_id
  from transfer
  inner join account as source on transfer.from_key = source.key
  inner join account as target on transfer.to_key = target.key
  order by transfer.place;

  get diagnostics v_posted = row_count;

  if v_posted <> cardinality(from_account_ids) then
    perform pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
    );
    perform pgledger.check_balances(
      from_account_ids, to_account_ids, amounts, request_indexes, request_count
    );
    assert false, 'fewer transfers were posted than were asked for';
  end if;

  update pgledger.accounts
  set
    updated_at = v_created_at + (change.last_place - 1) * interval '1 microsecond',
    version = accounts.version + change.entries,
    balance = accounts.balance + change.amount
  from (
    select leg.account_id, sum(leg.amount), count(*), max(leg.place)
    from (
      select given.account_id, -given.amount, given.place
      from unnest(from_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
      union all
      select given.account_id, given.amount, given.place
      from unnest(to_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
    ) as leg (account_id, amount, place)
    group by leg.account_id
  ) as change (account_id, amount, entries, last_place)
  where accounts.id = change.account_id
    and accounts.id = any(v_locked_ids);
end;
$$;

comment on function pgledger.post_transfers is
  'Writes many transfers at once, each new and sound by itself, and returns them in order.';

revoke all on function pgledger.post_transfers from public;

-- file: repeatable/30_ledger/44_transfers_by_id.sql
/*
The transfers of those ids, in the order of the ids, as applications see them: look-ups by index,
also when it is called where nested loops are off.
*/
create or replace function pgledger.transfers_by_id(ids text[])
returns setof pgledger_transfers_v1
language sql
stable
parallel safe
rows 1
set enable_nestloop = on
as $$
  select
    transfers.id,
    source.id,
    target.id,
    transfers.amount,
    transfers.created_at,
    coalesce(transfers.event_at, transfers.created_at),
    transfers.metadata,
    source.currency,
    source.name,
    target.name,
    transfers.from_balance,
    transfers.to_balance,
    transfers.from_version,
    transfers.to_version,
    transfers.group_id,
    transfers.app_id,
    source.tenant_id,
    target.tenant_id
  from unnest(transfers_by_id.ids) with ordinality as wanted (id, place)
  inner join pgledger.transfers on wanted.id = transfers.id
  inner join pgledger.accounts as source on transfers.from_key = source.key
  inner join pgledger.accounts as target on transfers.to_key = target.key
  order by wanted.place
$$;

comment on function pgledger.transfers_by_id is
  'The transfers of those ids, in the order of the ids.';

revoke all on function pgledger.transfers_by_id from public;

-- file: repeatable/30_ledger/45_create_repeatable_transfers.sql
/*
Creates a batch in which the caller chose ids, so that some may be repeats: of earlier calls, or of
one another. What exists is told from what is new while the accounts are locked; only the new is
posted; all are answered in the order of the requests.

Errors: IdempotencyConflict, and those of pgledger.check_accounts and pgledger.post_transfers.
*/
create or replace function pgledger.create_repeatable_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_count bigint := cardinality(from_account_ids);
  v_new_places bigint[];
  v_conflict_place bigint;
  v_posted_ids text[];
  v_locked_ids text[];
  v_taken text;
  v_answer_ids text[];
begin
  select coalesce(array_agg(locked.id), '{}')
  into v_locked_ids
  from (
    select accounts.id
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  perform pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
  );

  with given as materialized (
    select
      request.place,
      request.id,
      request.from_account_id,
      request.to_account_id,
      request.amount,
      request.event_at,
      request.metadata,
      case
        when request.id is not null then min(request.place) over (partition by request.id)
        else request.place
      end as first_place
    from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
      with ordinality
      as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
  ),

  account as materialized (
    select accounts.id, accounts.key
    from pgledger.accounts
    where accounts.id = any(v_locked_ids)
  ),

  existing as materialized (
    select
      transfers.id, transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.id = any(create_repeatable_transfers.ids)
  ),

  -- A request can repeat a transfer that exists already, and the first request of its id.
  compared as (
    select
      given.place,
      existing.id is null and given.place = given.first_place as is_new,
      (
        existing.id is null
        or (
          existing.app_id, existing.from_key, existing.to_key, existing.amount, existing.event_at,
          existing.metadata
        ) is not distinct from (
          create_repeatable_transfers.app_id, source.key, target.key, given.amount, given.event_at,
          given.metadata
        )
      )
      and (
        earlier.from_account_id, earlier.to_account_id, earlier.amount, earlier.event_at,
        earlier.metadata
      ) is not distinct from (
        given.from_account_id, given.to_account_id, given.amount, given.event_at, given.metadata
      ) as is_same
    from given
    inner join given as earlier on given.first_place = earlier.place
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    left join existing on given.id = existing.id
  )

  select
    coalesce(
      array_agg(compared.place order by compared.place) filter (where compared.is_new), '{}'
    ),
    min(compared.place) filter (where not compared.is_same)
  into v_new_places, v_conflict_place
  from compared;

  if v_conflict_place is not null then
    perform pgledger.fail('LG023', array[given.id], given.place, v_count)
    from unnest(ids) with ordinality as given (id, place)
    where given.place = v_conflict_place;
  end if;

  -- The new ones, posted in their order.
  begin
    select array_agg(posted.id order by posted.ordinality)
    into v_posted_ids
    from (
      select
        array_agg(request.from_account_id order by request.place) as from_account_ids,
        array_agg(request.to_account_id order by request.place) as to_account_ids,
        array_agg(request.amount order by request.place) as amounts,
        array_agg(request.event_at order by request.place) as event_ats,
        array_agg(request.metadata order by request.place) as metadatas,
        array_agg(request.id order by request.place) as ids
      from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
        with ordinality
        as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
      inner join unnest(v_new_places) as new (place) on request.place = new.place
      having count(*) > 0
    ) as new
    cross join lateral pgledger.post_transfers(
      new.from_account_ids, new.to_account_ids, new.amounts, new.event_ats, new.metadatas, new.ids,
      create_repeatable_transfers.app_id, create_repeatable_transfers.group_id, v_new_places,
      v_count
    ) with ordinality as posted;
  exception
    when unique_violation then
      get stacked diagnostics v_taken = pg_exception_detail;
      -- An id was taken meanwhile by someone who did not wait for the accounts that this call
      -- holds, and so asked for something else. Our snapshot may not show it; the detail names it.
      v_taken := substring(v_taken from '[(]id[)]=[(](pglt_[0-9A-Z]{26})[)]');
      if v_taken is null or v_taken <> all(array_remove(ids, null)) then
        raise;
      end if;
      -- A transaction that looks back to its beginning is to be run again, as in the single path.
      if current_setting('transaction_isolation') <> 'read committed' then
        raise exception using
          errcode = '40001',
          message = format('could not serialize access: id %s was taken meanwhile', v_taken);
      end if;
      perform pgledger.fail('LG023', array[given.id], given.place, v_count)
      from unnest(ids) with ordinality as given (id, place)
      where given.id = v_taken
      order by given.place;
  end;

  -- Every request has its id now: the caller's, or the one it was posted under.
  select array_agg(coalesce(given.id, posted.id) order by given.place)
  into v_answer_ids
  from unnest(ids) with ordinality as given (id, place)
  left join unnest(v_new_places, v_posted_ids) as posted (place, id)
    on given.place = posted.place;

  return query
  select
    answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.created_at,
    answer.event_at, answer.metadata, answer.currency, answer.from_account_name,
    answer.to_account_name, answer.from_account_balance, answer.to_account_balance,
    answer.from_account_version, answer.to_account_version, answer.group_id, answer.app_id,
    answer.from_tenant_id, answer.to_tenant_id
  from pgledger.transfers_by_id(v_answer_ids) as answer;
end;
$$;

comment on function pgledger.create_repeatable_transfers is
  'Creates a batch in which the caller chose ids; what exists already is answered, not made again.';

revoke all on function pgledger.create_repeatable_transfers from public;

-- file: repeatable/30_ledger/46_create_transfers_of_rows.sql
/*
Creates the transfers of an array of rows, which share what else is said of them. Rows carry no ids
of the caller's choice, so none of them can be a repeat. Checks are in the order of
pgledger_create_transfers_bulk.

Errors: InvalidBatch, and those of pgledger.check_transfer_requests and pgledger.post_transfers.
*/
create or replace function pgledger.create_transfers_of_rows(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count integer := cardinality(transfer_requests);
  v_from_account_ids text[];
  v_to_account_ids text[];
  v_amounts numeric[];
begin
  if transfer_requests is null then
    perform pgledger.fail('LG012', array['transfer_requests must not be null']);
  elsif array_ndims(transfer_requests) > 1 then
    perform pgledger.fail(
      'LG012', array[format('transfer_requests has %s dimensions', array_ndims(transfer_requests))]
    );
  end if;

  select
    coalesce(array_agg(request.from_account_id order by request.place), '{}'),
    coalesce(array_agg(request.to_account_id order by request.place), '{}'),
    coalesce(array_agg(request.amount order by request.place), '{}')
  into v_from_account_ids, v_to_account_ids, v_amounts
  from unnest(transfer_requests)
    with ordinality as request (from_account_id, to_account_id, amount, place);

  perform pgledger.check_transfer_requests(
    v_from_account_ids, v_to_account_ids, v_amounts, null, null, null, app_id, group_id,
    allow_future_event_at, event_at, metadata
  );

  if v_count > 0 then
    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id
    from pgledger.post_transfers(
      v_from_account_ids, v_to_account_ids, v_amounts, null, null, null,
      create_transfers_of_rows.app_id, create_transfers_of_rows.group_id, null, v_count,
      create_transfers_of_rows.event_at, create_transfers_of_rows.metadata
    ) as posted;
  end if;
end;
$$;

comment on function pgledger.create_transfers_of_rows is
  'Creates the transfers of an array of rows, which share event_at and metadata.';

revoke all on function pgledger.create_transfers_of_rows from public;

-- file: repeatable/30_ledger/50_pgledger_create_transfers_bulk.sql
/*
Moves many amounts at once, given as parallel arrays: all of them, or none.

A batch in which the caller chose no ids cannot hold a repeat, and is posted as it is; one in which
it did goes the longer way, where what exists already is answered and not made again.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; limits. Each looks at all requests before the
next one looks at any, and the lowest request at fault is named.

Locks and errors: those of the functions that it calls.
*/
create or replace function pgledger_create_transfers_bulk(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_transfer_requests(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at
  );

  if array_remove(ids, null) <> '{}' then
    return query
    select
      answered.id, answered.from_account_id, answered.to_account_id, answered.amount,
      answered.created_at, answered.event_at, answered.metadata, answered.currency,
      answered.from_account_name, answered.to_account_name, answered.from_account_balance,
      answered.to_account_balance, answered.from_account_version, answered.to_account_version,
      answered.group_id, answered.app_id, answered.from_tenant_id, answered.to_tenant_id
    from pgledger.create_repeatable_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
      pgledger_create_transfers_bulk.app_id, pgledger_create_transfers_bulk.group_id
    ) as answered;
  elsif cardinality(from_account_ids) > 0 then
    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id
    from pgledger.post_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, null,
      pgledger_create_transfers_bulk.app_id, pgledger_create_transfers_bulk.group_id, null,
      cardinality(from_account_ids)
    ) as posted;
  end if;
end;
$$;

comment on function pgledger_create_transfers_bulk is
  'Makes many transfers, all or none, and returns them in order: element n of each array belongs '
  'to request n, counted from 1. At most 100000 requests. event_ats, metadatas and ids may be left '
  'out, or hold nulls. An id of your own choice (pglt_ and a ULID) makes its request repeatable. '
  'group_id: a name that joins these transfers, for example an order''s number. Errors name the '
  'request; they are those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers_bulk from public;
grant execute on function pgledger_create_transfers_bulk to pgledger_poster;

-- file: repeatable/30_ledger/51_pgledger_create_transfers.sql
/*
Moves several amounts at once, given as plain rows: all of them, or none. This form takes the rows
as its arguments; the other takes an array of them and what they share. A row has no place for an id
or a value of its own; pgledger_create_transfers_bulk has.
*/
create or replace function pgledger_create_transfers(
  variadic transfer_requests pgledger_transfer_request[]
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    created.id, created.from_account_id, created.to_account_id, created.amount,
    created.created_at, created.event_at, created.metadata, created.currency,
    created.from_account_name, created.to_account_name, created.from_account_balance,
    created.to_account_balance, created.from_account_version, created.to_account_version,
    created.group_id, created.app_id, created.from_tenant_id, created.to_tenant_id
  from pgledger.create_transfers_of_rows(transfer_requests, null, null, '', null, false) as created;
end;
$$;

comment on function pgledger_create_transfers(pgledger_transfer_request[]) is
  'Makes several transfers, all or none, and returns them in order. Each argument is a plain row '
  '(from_account_id, to_account_id, amount). Errors name the request, counted from 1; they are '
  'those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(pgledger_transfer_request[]) from public;
grant execute on function pgledger_create_transfers(pgledger_transfer_request[]) to pgledger_poster;

-- file: repeatable/30_ledger/52_pgledger_create_transfers_array.sql
/*
Moves several amounts at once, given as an array of plain rows which share event_at, metadata,
app_id and group_id: all of them, or none.
*/
create or replace function pgledger_create_transfers(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof pgledger_transfers_v1
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    created.id, created.from_account_id, created.to_account_id, created.amount,
    created.created_at, created.event_at, created.metadata, created.currency,
    created.from_account_name, created.to_account_name, created.from_account_balance,
    created.to_account_balance, created.from_account_version, created.to_account_version,
    created.group_id, created.app_id, created.from_tenant_id, created.to_tenant_id
  from pgledger.create_transfers_of_rows(
    pgledger_create_transfers.transfer_requests, pgledger_create_transfers.event_at,
    pgledger_create_transfers.metadata, pgledger_create_transfers.app_id,
    pgledger_create_transfers.group_id, pgledger_create_transfers.allow_future_event_at
  ) as created;
end;
$$;

comment on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) is
  'Makes several transfers, all or none, and returns them in order; what else is given holds for '
  'every one of them. transfer_requests: rows (from_account_id, to_account_id, amount), at '
  'most 100000. event_at: when they happened, if not now. metadata: JSON object, at most 64 KiB. '
  'app_id: set of books. group_id: a name that joins them. Errors name the request, counted from '
  '1; they are those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) from public;
grant execute on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) to pgledger_poster;

-- file: repeatable/30_ledger/60_pgledger_get_account.sql
/*
One account, as it stands. An id that does not exist is an error rather than no row: a mistyped id
must not look like an account without money.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger_get_account(
  id text,
  app_id text default ''
)
returns pgledger_accounts_v1
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
begin
  select
    accounts.id, accounts.name, accounts.currency, accounts.balance, accounts.version,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.metadata,
    accounts.created_at, accounts.updated_at, accounts.app_id, accounts.tenant_id
  into v_account
  from pgledger.accounts
  where accounts.id = pgledger_get_account.id
    and accounts.app_id = pgledger_get_account.app_id;

  if not found then
    perform pgledger.refuse_account('id', id, app_id);
  end if;

  return v_account;
end;
$$;

comment on function pgledger_get_account is
  'The account of that id, with its balance. Errors: NullArgument, InvalidId, InvalidScope, '
  'AccountNotFound.';

revoke all on function pgledger_get_account from public;
grant execute on function pgledger_get_account to pgledger_reader;

-- file: repeatable/30_ledger/61_pgledger_get_transfer.sql
/*
One transfer. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidId, InvalidScope, TransferNotFound.
*/
create or replace function pgledger_get_transfer(
  id text,
  app_id text default ''
)
returns pgledger_transfers_v1
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_transfer record;
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_id('id', id, 'pglt');

  select
    transfer.id, transfer.from_account_id, transfer.to_account_id, transfer.amount,
    transfer.created_at, transfer.event_at, transfer.metadata, transfer.currency,
    transfer.from_account_name, transfer.to_account_name, transfer.from_account_balance,
    transfer.to_account_balance, transfer.from_account_version, transfer.to_account_version,
    transfer.group_id, transfer.app_id, transfer.from_tenant_id, transfer.to_tenant_id
  into v_transfer
  from pgledger.transfers_by_id(array[pgledger_get_transfer.id]) as transfer
  where transfer.app_id = pgledger_get_transfer.app_id;

  if not found then
    perform pgledger.fail('LG021', array[id, pgledger.in_app(app_id)]);
  end if;

  return v_transfer;
end;
$$;

comment on function pgledger_get_transfer is
  'The transfer of that id, with both accounts as it left them. Errors: NullArgument, InvalidId, '
  'InvalidScope, TransferNotFound.';

revoke all on function pgledger_get_transfer from public;
grant execute on function pgledger_get_transfer to pgledger_reader;

-- file: repeatable/30_ledger/62_account_key.sql
/*
The key and the version of an account, or the reason why it cannot be found.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger.account_key(
  account_id text,
  app_id text,
  out key bigint,
  out version bigint
)
language plpgsql
stable
parallel safe
as $$
begin
  select accounts.key, accounts.version
  into account_key.key, account_key.version
  from pgledger.accounts
  where accounts.id = account_key.account_id
    and accounts.app_id = account_key.app_id;

  if not found then
    perform pgledger.refuse_account('account_id', account_id, app_id);
  end if;
end;
$$;

comment on function pgledger.account_key is
  'Key and version of the account of that id; raises if there is none.';

revoke all on function pgledger.account_key from public;

-- file: repeatable/30_ledger/63_pgledger_account_entries.sql
/*
One page of an account's entries. Versions have no gap, so a page is a range of versions, and
however long the account's history is, a page reads its own rows and no more.

Errors: NullArgument, InvalidId, InvalidScope, InvalidPage, AccountNotFound.
*/
create or replace function pgledger_account_entries(
  account_id text,
  page_size integer default 100,
  newest_first boolean default true,
  after_version bigint default null,
  app_id text default ''
)
returns setof pgledger_entries_v1
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_lowest bigint;
  v_highest bigint;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if page_size is null then
    perform pgledger.fail('LG003', array['page_size']);
  elsif page_size not between 1 and 10000 then
    perform pgledger.fail(
      'LG014', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif newest_first is null then
    perform pgledger.fail('LG003', array['newest_first']);
  elsif after_version < 0 then
    perform pgledger.fail('LG014', array['after_version', after_version::text, 'it is negative']);
  end if;

  if newest_first then
    v_highest := least(after_version - 1, v_account.version);
    v_lowest := v_highest - page_size + 1;
  else
    v_lowest := least(coalesce(after_version, 0), v_account.version) + 1;
    v_highest := v_lowest + page_size - 1;
  end if;

  return query
  select
    pgledger.entry_id(leg.created_at, v_account.key, leg.version),
    accounts.id,
    leg.id,
    leg.amount,
    leg.balance - leg.amount,
    leg.balance,
    leg.version,
    leg.created_at,
    coalesce(leg.event_at, leg.created_at),
    leg.metadata,
    accounts.name,
    accounts.currency,
    accounts.app_id,
    accounts.tenant_id
  from (
    select
      transfers.from_version, transfers.from_balance, -transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.from_key = v_account.key
      and transfers.from_version between v_lowest and v_highest
    union all
    select
      transfers.to_version, transfers.to_balance, transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.to_key = v_account.key
      and transfers.to_version between v_lowest and v_highest
  ) as leg (version, balance, amount, id, created_at, event_at, metadata)
  inner join pgledger.accounts on v_account.key = accounts.key
  order by case when newest_first then -leg.version else leg.version end;
end;
$$;

comment on function pgledger_account_entries is
  'One page of an account''s entries, newest or oldest first; a page reads only its own rows, '
  'however long the history. page_size: 1 to 10000. after_version: the account_version of the last '
  'entry of the page before; null for the first page. Errors: NullArgument, InvalidId, '
  'InvalidScope, InvalidPage, AccountNotFound.';

revoke all on function pgledger_account_entries from public;
grant execute on function pgledger_account_entries to pgledger_reader;

-- file: repeatable/30_ledger/64_pgledger_balance_at.sql
/*
The balance that an account had at a time, as recorded: after the newest entry whose created_at is
not later. Along an account versions and times ascend together and versions have no gap, so the
entry is found by halving the versions: 2 index look-ups for each of at most 40 halvings, whatever
the time.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger_balance_at(
  account_id text,
  at timestamptz,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_entry record;
  v_balance numeric := 0;
  v_lowest bigint := 1;
  v_highest bigint;
  v_middle bigint;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if at is null then
    perform pgledger.fail('LG003', array['at']);
  end if;

  v_highest := v_account.version;
  while v_lowest <= v_highest loop
    v_middle := (v_lowest + v_highest) / 2;

    select transfers.created_at, transfers.from_balance as balance
    into v_entry
    from pgledger.transfers
    where transfers.from_key = v_account.key and transfers.from_version = v_middle;

    if not found then
      select transfers.created_at, transfers.to_balance as balance
      into v_entry
      from pgledger.transfers
      where transfers.to_key = v_account.key and transfers.to_version = v_middle;
    end if;

    if v_entry.created_at <= at then
      v_balance := v_entry.balance;
      v_lowest := v_middle + 1;
    else
      v_highest := v_middle - 1;
    end if;
  end loop;

  return v_balance;
end;
$$;

comment on function pgledger_balance_at is
  'Balance of an account at a time, as recorded: the sum of its entries whose created_at is not '
  'later than that; 0 before the first. A transfer is recorded shortly before it commits, so the '
  'answer for a time is final once the transactions that were open then have ended. Errors: '
  'NullArgument, InvalidId, InvalidScope, AccountNotFound.';

revoke all on function pgledger_balance_at from public;
grant execute on function pgledger_balance_at to pgledger_reader;

-- file: repeatable/30_ledger/70_pgledger_verify.sql
/*
Proves from the data that the books are in order, in one statement and so on one snapshot, while
transfers go on. Reads every transfer: run it where and when that is welcome, for example on a
replica. Expressions here say again what the writing functions do, on purpose: it is their audit.
*/
create or replace function pgledger_verify()
returns table (check_name text, rows_checked bigint, violations bigint, example text)
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  with leg as materialized (
    select
      transfers.id,
      transfers.from_key as key,
      transfers.from_version as version,
      -transfers.amount as amount,
      transfers.from_balance as balance,
      transfers.created_at
    from pgledger.transfers
    union all
    select
      transfers.id,
      transfers.to_key,
      transfers.to_version,
      transfers.amount,
      transfers.to_balance,
      transfers.created_at
    from pgledger.transfers
  ),

  chain as materialized (
    select
      leg.id,
      leg.version = coalesce(lag(leg.version) over along, 0) + 1 as has_no_gap,
      leg.balance - leg.amount = coalesce(lag(leg.balance) over along, 0) as follows,
      leg.created_at > coalesce(lag(leg.created_at) over along, accounts.created_at) as is_later,
      (leg.balance >= 0 or accounts.allow_negative_balance)
      and (leg.balance <= 0 or accounts.allow_positive_balance)
      and leg.balance > -1e30 and leg.balance < 1e30 as is_within_limits
    from leg
    left join pgledger.accounts on leg.key = accounts.key
    window along as (partition by leg.key order by leg.version)
  ),

  total as materialized (
    select
      accounts.id,
      accounts.balance = coalesce(sum(leg.amount), 0) as balance_is_right,
      accounts.version = count(leg.id) as version_is_right,
      accounts.updated_at = coalesce(max(leg.created_at), accounts.created_at) as time_is_right
    from pgledger.accounts
    left join leg on accounts.key = leg.key
    group by accounts.key
  ),

  guard as materialized (
    select
      expected.name,
      exists (
        select
        from pg_catalog.pg_trigger
        where pg_trigger.tgrelid = expected.relation
          and pg_trigger.tgname = expected.name
          and pg_trigger.tgenabled = 'A'
          and pg_trigger.tgfoid = 'pgledger.refuse_change'::regproc
          and pg_trigger.tgtype = expected.type
          -- Neither WHEN nor a list of columns.
          and pg_trigger.tgqual is null
          and pg_trigger.tgattr = ''
      )
      -- And what they call still refuses: the body is the one that this version brought.
      and exists (
        select
        from pg_catalog.pg_proc
        where pg_proc.oid = 'pgledger.refuse_change'::regproc
          and encode(sha256(convert_to(pg_proc.prosrc, 'UTF8')), 'hex')
          = '01558ecafc481b6b5c8e0cc072322945db37c938ae4a878e29f487785c77dfe0'
      ) as stands
    from (
      values
        ('pgledger.transfers'::regclass, 'transfers_rows_never_change', 27),
        ('pgledger.transfers'::regclass, 'transfers_never_change', 58),
        ('pgledger.accounts'::regclass, 'accounts_rows_are_never_deleted', 11),
        ('pgledger.accounts'::regclass, 'accounts_are_never_deleted', 42)
    ) as expected (relation, name, type)
  )

  select
    'balances of each app and currency sum to zero',
    coalesce(sum(book.accounts), 0)::bigint,
    count(*) filter (where book.balance <> 0),
    min(format('app %L, currency %L: %s', book.app_id, book.currency, book.balance))
      filter (where book.balance <> 0)
  from (
    select accounts.app_id, accounts.currency, sum(accounts.balance), count(*)
    from pgledger.accounts
    group by accounts.app_id, accounts.currency
  ) as book (app_id, currency, balance, accounts)
  union all
  select
    'account balances are the sums of their entries',
    count(*),
    count(*) filter (where not total.balance_is_right),
    min(total.id) filter (where not total.balance_is_right)
  from total
  union all
  select
    'account versions are the counts of their entries',
    count(*),
    count(*) filter (where not total.version_is_right),
    min(total.id) filter (where not total.version_is_right)
  from total
  union all
  select
    'accounts were updated when their newest entry was recorded',
    count(*),
    count(*) filter (where not total.time_is_right),
    min(total.id) filter (where not total.time_is_right)
  from total
  union all
  select
    'versions of entries run from 1 without a gap',
    count(*),
    count(*) filter (where not chain.has_no_gap),
    min(chain.id) filter (where not chain.has_no_gap)
  from chain
  union all
  select
    'each entry starts from the balance that the one before left',
    count(*),
    count(*) filter (where not chain.follows),
    min(chain.id) filter (where not chain.follows)
  from chain
  union all
  select
    'each entry was recorded later than the one before',
    count(*),
    count(*) filter (where chain.is_later is not true),
    min(chain.id) filter (where chain.is_later is not true)
  from chain
  union all
  select
    'balances stayed within their account''s limits after every entry',
    count(*),
    count(*) filter (where chain.is_within_limits is not true),
    min(chain.id) filter (where chain.is_within_limits is not true)
  from chain
  union all
  select
    'transfers join two accounts of one app and currency',
    count(*),
    count(*) filter (where sound.is_right is not true),
    min(sound.id) filter (where sound.is_right is not true)
  from (
    select
      transfers.id,
      transfers.from_key <> transfers.to_key
      and source.currency = target.currency
      and transfers.app_id = source.app_id
      and transfers.app_id = target.app_id as is_right
    from pgledger.transfers
    left join pgledger.accounts as source on transfers.from_key = source.key
    left join pgledger.accounts as target on transfers.to_key = target.key
  ) as sound
  union all
  select
    'amounts are above 0, below 1e30, of at most 18 decimal places',
    count(*),
    count(*) filter (where pgledger.amount_fault(transfers.amount) is not null),
    min(transfers.id) filter (where pgledger.amount_fault(transfers.amount) is not null)
  from pgledger.transfers
  union all
  select
    'ids of accounts and transfers are well formed',
    count(*),
    count(*) filter (where pgledger.id_fault(named.id, named.prefix) is not null),
    min(named.id) filter (where pgledger.id_fault(named.id, named.prefix) is not null)
  from (
    select transfers.id, 'pglt' as prefix
    from pgledger.transfers
    union all
    select accounts.id, 'pgla' as prefix
    from pgledger.accounts
  ) as named
  union all
  select
    'triggers that keep records unchanged stand and are always on',
    count(*),
    count(*) filter (where not guard.stands),
    min(guard.name) filter (where not guard.stands)
  from guard
$$;

comment on function pgledger_verify is
  'Proves from the data that the books are in order. One row a check: what it checks, how many '
  'rows it looked at, how many broke the rule, and one of those. All is well when violations are 0 '
  'throughout. Reads every transfer.';

revoke all on function pgledger_verify from public;
grant execute on function pgledger_verify to pgledger_auditor;

insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version)
values
  ('migrations/0001_create_foundation.sql', 'versioned', 'f0731d21da112adc4ecda92aa039ec76b14649404d3719046abe9876fa5d71d2', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0002_create_accounts.sql', 'versioned', 'ea559dcde6df3aa6e48792c1d36b2060bdc78181c24c8443fe595dfeaa5dc0b2', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0003_create_transfers.sql', 'versioned', 'c2b47285e45a0bb0d47abfa8ae34e8e6ac2310c09023d0a7ddc4e9abf60838fb', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0004_create_transfer_request.sql', 'versioned', '4450c4c14369f19dc7d43ea1197fc436e2f75e0ea403574becdf9ea761fab113', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/10_clock.sql', 'repeatable', '867e2df5662a7b7db9e4277238106d87a9fe43803c27e071409e47e1c9561eb9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/20_error_registry.sql', 'repeatable', '5206b37cc91610d4c1ef074624dc1317078e2a7800b694597f572985a3db8cf1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/30_fail.sql', 'repeatable', 'fde3b080629583bc0bc42b998984bb12452d51ce2a8a9c978c0a73deac248e16', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/31_abridged.sql', 'repeatable', '541d5a0b20a6252a26e77906a2796a8672c15db7ae8ee4b20642c727b8163afe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/40_invisible_characters.sql', 'repeatable', 'ed58cef161abae944130aac436620c3c002c46bb5a1e41ef6ac29699632ec405', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/41_text_fault.sql', 'repeatable', 'ae280de53049822db714b624eb084e3f60d8b607afd29426ff62b6f9432e68ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/50_base32_lanes.sql', 'repeatable', 'aa29395359be4db253d18e0445f9e6bbd38aaf880ebcbb11d852dad4ce7b4718', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/51_base32_text.sql', 'repeatable', '99aa08a7a7a3d8e47bc093487a944cbe88e349879bd9444d7a64a6be73ca46de', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/52_base32_pair.sql', 'repeatable', '5d13ab798c5d5b55b5245ec04389ea7e444ecac696b678d5b744eca6f748eb5f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/60_new_ulid.sql', 'repeatable', '7a0fd229bc21377780f02235cdfa38b8216155f5188de414e37c82afa9ed6ac7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/61_entry_id.sql', 'repeatable', '624a60b1d37bda1aec645960ed64412a45fc7c61b00f466de88290812498424c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/70_ulid_fault.sql', 'repeatable', '87f90074681704fb11c4182a9f8fbf362318619a891287e0fdaca403596bb171', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/71_id_fault.sql', 'repeatable', '51530f7258dd389b67098521e0c514d73ca46958cd85ae0676065580213cd83e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/80_pgledger_generate_id.sql', 'repeatable', 'e15213a2de272262038d823879f461ae47d5673d3d27730af4bce8497c9994ad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/81_pgledger_uuid_to_ulid.sql', 'repeatable', '96e9a061b316afed8a0a808dcfdc524a57ba6a25e6e9e1af00a788a470747dea', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/82_pgledger_ulid_to_uuid.sql', 'repeatable', '3332279a7c4adaf93ad2e3f0f4829ffa6faa3d8bbda73bfb7163bd0719b4f773', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/83_pgledger_id_timestamp.sql', 'repeatable', 'fa5f523e6f69d57dcd78716603f04b5733fe11a6881bea99a0508b3ec479d410', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ids/90_pgledger_errors_v1.sql', 'repeatable', '72f8d076f2e926efd745d178b9ea9b50a370e172018f5ea354370d38af6e8623', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/10_pgledger_accounts_v1.sql', 'repeatable', '4acdd2664fbfaef67812524a10a0975868f4690d4d95df5665cd15566e57d345', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/20_pgledger_transfers_v1.sql', 'repeatable', '920fa570f5c695d732254881e6b467bbf6af384e7c4d6439e313e8e86a532016', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/30_pgledger_entries_v1.sql', 'repeatable', '6a42d04434659f629bc6e7e4a0eb8f56bb80909200b7ceeddeee0867444807b7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/40_pgledger_accounts_view.sql', 'repeatable', 'd9ff7af517d1548c7c7843fe866ac6bf69a1fc050aa944112012a540ad17a95a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/41_pgledger_transfers_view.sql', 'repeatable', '061009534ca2d3d41ffb823d192c62ef2961ad17824622c89499158c4c050afb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_ledger_views/42_pgledger_entries_view.sql', 'repeatable', '13da87d3751b75cfc640e81651e415ed5ba46a6b4ee0fdfbc2afed7c958e0a72', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/05_refuse_change.sql', 'repeatable', '79d30d7113a0987d63640c7ac81a7268a9da37c16733689ca9a32f5769a5cb9b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/10_amount_fault.sql', 'repeatable', '728a4b3fe54c949b38d7115b49f3e26e387c63bf5f33ca4c759db5d48d1ffc8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/11_time_fault.sql', 'repeatable', 'ee7d91f8c0f2a8e03ae3397777a2a0e6c16aeb6839aa32e32b453ad84aa7c224', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/12_in_app.sql', 'repeatable', '92d823655e1d16eead819227cffd893ad0c285c3cd6d4202cb027308dc0a11aa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/12_metadata_fault.sql', 'repeatable', '7288ced51c43efa06010cc56de66f74c1e744c49741c14097e1294c443185dba', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/13_check_scope.sql', 'repeatable', '9919131f4d495418e9ba08ad6b8e4cbe8473bdefd17a01286c8576f7773eaf42', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/14_check_id.sql', 'repeatable', 'dd1fa46da947829972ed32c87d586bba0350ee131fc18ae6c6ae965fdfb5c0ac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/15_check_metadata.sql', 'repeatable', '5f80c3ba9ba03454a5ce552880c8dfaf9db78b901a0c1d8951cb8fabfba0536b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/16_check_transfer_request.sql', 'repeatable', '4ed51f413fd3bbae19713dc711a7131a6e2045020711a9266fed639833d4ed8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/17_refuse_account.sql', 'repeatable', '88d1693711a1dcd13e8357bbb4dc733a148b782f0f8fefc21ef25b454f2153ac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/18_check_balance.sql', 'repeatable', 'a5e9cb6edac2ddd2c9fd485be70fdfa0d09039fc6623d0af14634e9f4f700158', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/19_check_accounts.sql', 'repeatable', 'ce5b0757614d9e9a026083e3819c39915f4edad8ed6861f1ab6c088964d094c0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/20_pgledger_create_account.sql', 'repeatable', 'fca9a39a518d5ce9cbc37c82b586ae57778ddf77b1774d703de3a27e16741342', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/30_pgledger_create_transfer.sql', 'repeatable', '6e6863d43fcb92c22768b5734695d8d5b6c422c98901302f7d8a52f28610ce3c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/40_check_transfer_requests.sql', 'repeatable', 'cb9284fdfba918e337065606a08b5e3a4b047638393c7cd06bbb0acd13a13740', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/41_check_balances.sql', 'repeatable', 'd2081cfd161fb683570f57cd9c2d85fe863b60694ee293a70415fbc0952751f3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/43_post_transfers.sql', 'repeatable', '90ed6bd0b7ec773cb7f5a9a921057c65acc879700520d58f5b7849d62622abe8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/44_transfers_by_id.sql', 'repeatable', '38132806c60ead2b3478629d76455dcc339633db9fb91055637df1a2177f0d68', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/45_create_repeatable_transfers.sql', 'repeatable', 'd500c5fc611152e1f019ca4c3a2dc6f7d085030e24b463f0e75250387297fae7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/46_create_transfers_of_rows.sql', 'repeatable', 'fde7306502d4d211c40084bdb764506677e24991f64d514884f7f1f8bea7d225', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/50_pgledger_create_transfers_bulk.sql', 'repeatable', 'd54ad7fcc2dfdfb970ab2d95dce507f490652ca28716c28707dbb6db51b56dbd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/51_pgledger_create_transfers.sql', 'repeatable', 'c1a57ea625f7181ce4a7cbef39e4b1021620be18c3de9f0c87fde7fa85e351aa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/52_pgledger_create_transfers_array.sql', 'repeatable', 'b4397e161cc24286d4ddd9e78c3a627e364b725778161549a4c0c585604cdfe4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/60_pgledger_get_account.sql', 'repeatable', 'e3ab8572092851105b0473123a838ca53cb69e7d52ac9761038903b72f43b82e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/61_pgledger_get_transfer.sql', 'repeatable', 'a303f893e8e7dca91e0f8cf7736658a7d95205de281430d2f20fc0997858820a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/62_account_key.sql', 'repeatable', '7861a43a45c60bded2d572ffc4abd4958a035c4f1040a26ecdb819d4de4f243a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/63_pgledger_account_entries.sql', 'repeatable', 'fa30edcb6f0519e7240ae6337984d068c3a7f5b234ad4ce9b3c97c3eb72613dd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/64_pgledger_balance_at.sql', 'repeatable', '99b4c05eec1fa17c26f9f9c86f9567531f75ddd0c735b7681c60922cb64e3906', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_ledger/70_pgledger_verify.sql', 'repeatable', 'cdf8a17ffd4f49e4c3d5536ceaf5c3a7cbfb820a400ee64523095b221fa98f41', pg_catalog.now(), '0.1.0.dev0');

commit;
