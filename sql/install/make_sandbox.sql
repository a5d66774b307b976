/*
Makes the function through which a superuser runs statements as pgledger's owner. After SET ROLE a
trigger or a function that the statements reach could take the superuser's rights back (RESET ROLE);
inside of a function with its owner's rights nobody can. Triggers that were put off until the commit
go off in it, too. It is made anew for each call, because its owner may change it.

Run by `pgledger migrate` before each file, where a superuser migrates what a lesser role owns.

  owner   role that owns everything
*/
do $sandbox$
begin
  create or replace function pg_temp.run_as_owner(statements pg_catalog.text)
  returns pg_catalog.void
  language plpgsql
  security definer
  as 'begin execute statements; set constraints all immediate; end';
  execute pg_catalog.format(
    'alter function pg_temp.run_as_owner(pg_catalog.text) owner to %I', :owner);
end
$sandbox$;
