/*
The codes of pgledger.iso_minor_units, one by one.
*/
create or replace function pgledger.iso_currencies()
returns table (code text, exponent integer)
language sql
immutable
parallel safe
as $$
  select listed.code, minor_unit.exponent
  from pgledger.iso_minor_units() as minor_unit
  cross join lateral pg_catalog.string_to_table(minor_unit.codes, ' ') as listed (code)
$$;

comment on function pgledger.iso_currencies is
  'The active currencies of ISO 4217 that have a minor unit: code and decimal places.';

-- The view of currencies calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.iso_currencies from public;
grant execute on function pgledger.iso_currencies to pgledger_reader;
