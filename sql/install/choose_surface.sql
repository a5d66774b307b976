/*
Settles which schema the public functions and views go into: the one that the session names, or else
the one that the script was made for. What follows reads it from the setting.

Run by pgledger.sql, first of all.

  surface   schema that the script was made for
*/
do $surface$
begin
  if coalesce(pg_catalog.current_setting('pgledger.schema', true), '') = '' then
    perform pg_catalog.set_config('pgledger.schema', :surface, true);
  end if;
end
$surface$;
