/*
Says whether the current role may call the function that verifies the books.

Run by `pgledger verify`, as the role that is connected.

  surface    schema of the public functions and views
  function   the function's full name
*/
select
  pg_catalog.has_schema_privilege(:surface, 'usage')
  and pg_catalog.has_function_privilege(:function, 'execute');
