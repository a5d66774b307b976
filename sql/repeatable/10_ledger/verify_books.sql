/*
Checks each set of books as a whole: what left one account has reached another.
*/
create or replace function pgledger.verify_books(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'balances of each app and currency sum to zero',
    coalesce(sum(book.accounts), 0)::bigint,
    count(*) filter (where book.balance <> 0),
    min(format('app %L, currency %L: %s', book.app_id, book.currency, book.balance))
      filter (where book.balance <> 0)
  from (
    select accounts.app_id, accounts.currency, sum(accounts.balance), count(*)
    from pgledger.accounts
    where verify_books.app_id is null or accounts.app_id = verify_books.app_id
    group by accounts.app_id, accounts.currency
  ) as book (app_id, currency, balance, accounts)
$$;

comment on function pgledger.verify_books is
  'Checks that balances sum to zero, in the books of that app or of all.';

revoke all on function pgledger.verify_books from public;
