/*
Writes the accounts of an import as they are after its transfers, and returns how many of them have
limits that a transfer of the import broke. Such limits came later: the account's history says that
they were set after its newest transfer. All others were there from the beginning.

Locks: those of pgledger.keep_scale.
*/
create or replace function pgledger.write_imported_accounts(app_id text)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count bigint;
begin
  perform pgledger.keep_scale(write_imported_accounts.app_id, given.currency)
  from (
    select distinct import_accounts.currency
    from pgledger.import_accounts
    order by import_accounts.currency
  ) as given;

  insert into pgledger.accounts (
    created_at, updated_at, version, balance, min_balance, max_balance, amount_scale, id, app_id,
    currency, name, tenant_id, metadata
  )
  select
    given.created_at, coalesce(newest.recorded_at, given.created_at), coalesce(newest.version, 0),
    coalesce(newest.balance, 0),
    pgledger.flag_limit(coalesce(given.allow_negative_balance, true), given.min_balance),
    pgledger.flag_limit(coalesce(given.allow_positive_balance, true), given.max_balance),
    currencies.amount_scale, given.id, write_imported_accounts.app_id, given.currency, given.name,
    coalesce(given.tenant_id, ''), given.metadata
  from pgledger.import_accounts as given
  left join (
    select
      import_legs.account_number, max(import_legs.version), sum(import_legs.amount),
      max(import_times.recorded_at)
    from pgledger.import_legs
    inner join pgledger.import_times using (transfer_number)
    group by import_legs.account_number
  ) as newest (number, version, balance, recorded_at) on given.number = newest.number
  left join pgledger.currencies
    on currencies.app_id = write_imported_accounts.app_id and given.currency = currencies.code
  order by given.number;

  insert into pgledger.account_changes (
    account_key, number, changed_at, version, from_status, to_status, change, to_min_balance,
    to_max_balance, from_name, to_name, from_metadata, to_metadata, changed_by, changed_as, reason
  )
  select
    accounts.key, 1,
    greatest(pgledger.clock(), accounts.updated_at + interval '1 microsecond'),
    accounts.version, 0, 0, 'set_limits', accounts.min_balance, accounts.max_balance,
    accounts.name, accounts.name, accounts.metadata, accounts.metadata, session_user,
    current_setting('role'), 'imported: earlier transfers are not within these limits'
  from pgledger.accounts
  inner join (
    select distinct import_accounts.id
    from pgledger.import_legs
    inner join pgledger.import_accounts on import_legs.account_number = import_accounts.number
    inner join pgledger.accounts using (id)
    where import_legs.amount < 0 and import_legs.balance < accounts.min_balance
      or import_legs.amount > 0 and import_legs.balance > accounts.max_balance
  ) as broken on accounts.id = broken.id;
  get diagnostics v_count = row_count;

  return v_count;
end;
$$;

comment on function pgledger.write_imported_accounts is
  'Writes the accounts of an import; returns how many of them have limits that came later.';

revoke all on function pgledger.write_imported_accounts from public;
