/*
Refuses an app that the billing store cannot have. Unlike the ledger's, it must be named. The app *
stands for all apps, and the empty text would name one that nobody meant, so both are refused.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_app(app_id text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id, 1);
  if app_id = '*' then
    v_ok := pgledger.fail('InvalidScope', array['app_id', '''*''', 'it stands for all apps']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_app is
  'Raises NullArgument or InvalidScope unless the text can name an app of the billing store.';

revoke all on function pgledger.check_app from public;
