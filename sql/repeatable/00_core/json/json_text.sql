/*
The text that a member of an object in a plan's JSON holds, which has to be there.

Errors: InvalidPlan.
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
begin
  if v_value is null then
    perform pgledger.refuse_json(null, pgledger.json_path(path, member), 'is missing');
  elsif jsonb_typeof(v_value) <> 'string' then
    perform pgledger.refuse_json(
      v_value,
      pgledger.json_path(path, member),
      format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.json_text is
  'The text of a member in a plan''s JSON; raises InvalidPlan unless it is there and a string.';

revoke all on function pgledger.json_text from public;
