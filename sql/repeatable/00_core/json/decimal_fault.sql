/*
Says what is wrong with a number in JSON, or null if nothing is. It may be a number or a string of
digits. It must be below 1e30, with at most 18 decimal places, trailing zeros not counted. Its
length is checked before it is converted, because too many digits overflow a numeric.
*/
create or replace function pgledger.decimal_fault(value jsonb)
returns text
language sql
stable
parallel safe
as $$
  select case
    when jsonb_typeof(value) not in ('string', 'number')
      then format('is of type %s, not a number or a string of digits', jsonb_typeof(value))
    when char_length(value #>> '{}') > 100
      then format(
        'is written with %s characters, at most 100 are allowed', char_length(value #>> '{}')
      )
    when (value #>> '{}') collate "C" !~ '^-?[0-9]+([.][0-9]+)?$'
      then 'is not a plain decimal number such as 10 or 0.05'
    when (value #>> '{}')::numeric >= 1e30 then 'is not below 1e30'
    when min_scale((value #>> '{}')::numeric) > 18
      then format(
        'has %s decimal places, at most 18 are allowed', min_scale((value #>> '{}')::numeric)
      )
  end
$$;

comment on function pgledger.decimal_fault is
  'What is wrong with a number in JSON (a number, or a string of digits), or null.';

revoke all on function pgledger.decimal_fault from public;
