/*
Checks the body of every function of ours and stops at the first that is broken. The files create
functions unchecked, because each may call what a later file makes; nothing is committed unchecked.
Each is checked under the search_path that it runs with.

Run by `pgledger migrate` and by pgledger.sql after their last file, as the role that owns
everything.

  surface   schema of the public functions and views
*/
do $bodies$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_function record;
  v_detail text;
  v_hint text;
begin
  perform pg_catalog.set_config('check_function_bodies', 'on', true);
  for v_function in
    -- include: functions.sql
  loop
    perform pg_catalog.set_config(
      'search_path', coalesce(v_function.search_path, v_search_path), true);
    execute pg_catalog.format('select %s(%s)', v_function.validator, v_function.oid);
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
exception
  when others then
    get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    raise exception 'the body of % is broken: %', v_function.name, sqlerrm
      using errcode = sqlstate, detail = v_detail, hint = v_hint;
end
$bodies$;
