/*
Warns that an account is ahead of the clock, in the words of the error that follows a day ahead.
*/
create or replace function pgledger.warn_of_clock(
  account_id text,
  newest_at timestamptz,
  now timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  raise warning using
    message = format(
      'account %s was last changed at %s, ahead of the clock, which says %s',
      account_id, newest_at, now
    ),
    hint =
      'Look at the clock of the server. More than a day ahead is refused. '
      'pgledger_accounts_ahead() lists all accounts that are ahead.';
end;
$$;

comment on function pgledger.warn_of_clock is 'Warns that an account is ahead of the clock.';

revoke all on function pgledger.warn_of_clock from public;
