/*
JSON with each number in its shortest form, so that equal values have equal text.
*/
create or replace function pgledger.plain_json(value jsonb)
returns jsonb
language plpgsql
immutable
parallel safe
as $$
begin
  return case jsonb_typeof(value)
    when 'number' then to_jsonb(trim_scale(value::numeric))
    when 'array' then (
      select coalesce(
        jsonb_agg(pgledger.plain_json(element.value) order by element.place), '[]'
      )
      from jsonb_array_elements(plain_json.value) with ordinality as element (value, place)
    )
    when 'object' then (
      select coalesce(jsonb_object_agg(member.name, pgledger.plain_json(member.value)), '{}')
      from jsonb_each(plain_json.value) as member (name, value)
    )
    else value
  end;
end;
$$;

comment on function pgledger.plain_json is 'JSON with each number in its shortest form.';

revoke all on function pgledger.plain_json from public;
