/*
The word that a member of a JSON object holds, which must be one of the choices; null if there is no
such member, or it is null.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_choice(
  object jsonb,
  path text,
  member text,
  choices text[],
  required boolean default false
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text;
  v_ok boolean;
begin
  -- Most members that could be there are not: their path is not asked for.
  if v_value is null and not required then
    return null;
  end if;
  v_path := pgledger.json_path(path, member);
  if v_value is null then
    v_ok := pgledger.refuse_json(null, v_path, 'is missing');
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif v_value #>> '{}' <> all(choices) then
    v_ok := pgledger.refuse_json(
      v_value, v_path, 'is none of ' || array_to_string(choices, ', ')
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.json_choice is
  'Word that a member of a JSON object holds, or null; raises an error unless it is one of the '
  'choices.';

revoke all on function pgledger.json_choice from public;
