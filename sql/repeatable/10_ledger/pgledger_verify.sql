/*
Proves from the data that the books are in order, in one statement and so on one snapshot, while
transfers go on. Reads every transfer: run it where and when that is welcome, for example on a
replica. Expressions here say again what the writing functions do, on purpose: it is their audit.
*/
create or replace function pgledger_verify()
returns setof pgledger_check
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
$$Proves the books from the data.

Reads everything, as an auditor would; a big ledger takes its time.

[[was: Proves from the data that the books are in order. One row a check: what
it checks, how many rows it looked at, how many broke the rule, and one of
those. All is well when violations are 0 throughout. Reads every transfer.]]

Returns: One row for each check. The books are in order if all(check.ok for
  check in rows).$$;

revoke all on function pgledger_verify from public;
grant execute on function pgledger_verify to pgledger_auditor;
