/*
Warns a superuser who installs without pgledger's roles, and so becomes the owner of everything.

Run by the script of `pgledger dump --no-roles`. `pgledger migrate` warns in Python.
*/
do $warning$
begin
  if (select pg_roles.rolsuper from pg_catalog.pg_roles where pg_roles.rolname = current_user) then
    raise warning 'everything will belong to %, a superuser', current_user
      using hint = 'Run this as an ordinary role: a fault in a function would open the server.';
  end if;
end
$warning$;
