/*
Makes the function through which a superuser runs statements as pgledger's owner. After SET ROLE a
trigger or a function that the statements reach could take the superuser's rights back (RESET ROLE);
inside of a function with its owner's rights nobody can. Triggers that were put off until the commit
go off in it, too. It is made anew for each call, because its owner may change it.

Run by `pgledger migrate` before each file, where a superuser migrates what a lesser role owns.

  name    of the function: another one each time
  owner   role that owns everything
*/
do $sandbox$
begin
  execute pg_catalog.format(
    $make$
    create or replace function pg_temp.%1$I(statements pg_catalog.text)
    returns pg_catalog.void
    language plpgsql
    security definer
    as 'begin execute statements; set constraints all immediate; end';
    alter function pg_temp.%1$I(pg_catalog.text) owner to %2$I;
    $make$,
    :name, :owner
  );
end
$sandbox$;
