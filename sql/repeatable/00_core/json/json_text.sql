/*
The text that a member of a JSON object holds. The member has to be there.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_text(
  object jsonb,
  path text,
  member text
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_ok boolean;
begin
  if v_value is null then
    v_ok := pgledger.refuse_json(null, pgledger.json_path(path, member), 'is missing');
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value,
      pgledger.json_path(path, member),
      format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.json_text is
  'Text that a member of a JSON object holds; raises an error unless it is there and a string.';

revoke all on function pgledger.json_text from public;
