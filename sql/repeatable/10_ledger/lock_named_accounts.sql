/*
Finds and locks the accounts that names lead to. A rename in between is noticed, because the names
are compared again under the locks; then it looks again. Where a name does not lead to one account,
its place is null, and nothing is locked since.

What is found only when looking again may come before what is locked already. Waiting for it could
close a circle, so it is locked at once or not at all: PostgreSQL's error says that running the
transaction again helps.

Locks: the accounts FOR NO KEY UPDATE ascending by id.
Errors: lock_not_available, after a rename in between.
*/
create or replace function pgledger.lock_named_accounts(
  names text[],
  currencies text[],
  tenant_ids text[],
  app_id text
)
returns text[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_found record;
  v_highest text := '';
begin
  loop
    v_found := pgledger.accounts_of_names(names, currencies, tenant_ids, app_id);
    exit when array_position(v_found.account_ids, null) is not null;

    if v_highest <> '' then
      perform
      from pgledger.accounts
      where accounts.id = any(v_found.found_ids)
        and accounts.id <= v_highest
      order by accounts.id
      for no key update nowait;
    end if;

    perform
    from pgledger.accounts
    where accounts.id = any(v_found.found_ids)
      and accounts.id > v_highest
    order by accounts.id
    for no key update;

    perform
    from unnest(v_found.found_ids, v_found.found_names) as wanted (id, name)
    inner join pgledger.accounts on wanted.id = accounts.id
    where accounts.id = any(v_found.found_ids)
      and accounts.name <> wanted.name
    limit 1;
    exit when not found;

    v_highest := greatest(
      v_highest, (select max(locked.id collate "C") from unnest(v_found.found_ids) as locked (id))
    );
  end loop;

  return v_found.account_ids;
end;
$$;

comment on function pgledger.lock_named_accounts is
  'Ids of the accounts that names lead to, locked; null for a name that does not lead to one.';

revoke all on function pgledger.lock_named_accounts from public;
