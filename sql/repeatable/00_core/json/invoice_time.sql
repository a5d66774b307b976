/*
The time that a member of an object in an invoice's JSON holds; null if there is no such member, or
it is null. The text needs an offset, because without one its meaning depends on the session. Its
form is checked first; then the conversion can only refuse dates such as the 30th of February.

Errors: InvalidInvoice.
*/
create or replace function pgledger.invoice_time(
  object jsonb,
  path text,
  member text
)
returns timestamptz
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text := pgledger.json_path(path, member);
  v_text text := v_value #>> '{}';
  v_time timestamptz;
  v_ok boolean;
begin
  if v_value is null then
    return null;
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif (
    v_text collate "C" ~ (
      '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
      '[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?'
      '([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)$'
    )
  ) is not true then
    v_ok := pgledger.refuse_json(
      v_value, v_path, 'is not an ISO 8601 time with an offset such as 2025-01-31T00:00:00Z'
    );
  elsif substr(v_text, 9, 2)::integer > extract(
    day from (left(v_text, 7) || '-01')::timestamp + interval '1 month -1 day'
  ) then
    v_ok := pgledger.refuse_json(v_value, v_path, 'is a day that its month does not have');
  end if;

  v_time := v_text::timestamptz;
  if pgledger.time_fault(v_time) is not null then
    v_ok := pgledger.fail('InvalidInvoice', array[v_path, pgledger.time_fault(v_time)]);
  end if;
  return v_time;
end;
$$;

comment on function pgledger.invoice_time is
  'Time of a member in the JSON of an invoice, or null; raises InvalidInvoice if it is not sound.';

revoke all on function pgledger.invoice_time from public;
