/*
Accepts for all accounts of a call the time that was accepted for one of them. Both legs of a
transfer are recorded at once, so the call brings them all to that time: without this, everyone who
has paid into one accepted account would be refused elsewhere. The caller has locked the accounts.
*/
create or replace function pgledger.pass_on_accepted_time(
  account_ids text[],
  now timestamptz,
  recorded_at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.accepted_times (
    account_key, newest_at, accepted_at, origin_key, accepted_by, accepted_as, reason
  )
  select
    accounts.key, origin.newest_at, pass_on_accepted_time.now, origin.key, session_user,
    current_setting('role'), format('a transfer together with account %s', origin.id)
  from (
    select accounts.key, accounts.id, accepted.newest_at
    from pgledger.accounts
    cross join lateral pgledger.accepted_time(accounts.key, accounts.updated_at) as accepted
    where accounts.id = any(account_ids)
      and accounts.updated_at > pass_on_accepted_time.now
    order by accepted.newest_at desc, accounts.key
    limit 1
  ) as origin
  inner join pgledger.accounts on accounts.id = any(account_ids)
  where origin.newest_at >= recorded_at - interval '1 day'
    and not exists (select from pgledger.accepted_time(accounts.key, recorded_at))
  order by accounts.key
  on conflict on constraint accepted_times_account_key_newest_at_pk do nothing;
end;
$$;

comment on function pgledger.pass_on_accepted_time is
  'Accepts for all accounts of a call the time that was accepted for one of them.';

revoke all on function pgledger.pass_on_accepted_time from public;
