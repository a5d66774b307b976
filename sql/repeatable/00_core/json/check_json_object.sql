/*
Refuses what is not an object, or has members other than those named. A misspelt member would be a
price or a limit that silently does not hold.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_object(
  value jsonb,
  path text,
  members text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_stranger text;
  v_ok boolean;
begin
  if jsonb_typeof(value) <> 'object' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not an object', jsonb_typeof(value))
    );
  elsif value - members = '{}' then
    -- Nearly always, and cheaper to see than to look for a member's name.
    return true;
  end if;

  select stranger.name
  into v_stranger
  from jsonb_object_keys(value) as stranger (name)
  where stranger.name <> all(members)
  order by stranger.name collate "C"
  limit 1;

  if found then
    v_ok := pgledger.refuse_json(
      null,
      pgledger.json_path(path, v_stranger),
      'is not known here: there may be ' || array_to_string(members, ', ')
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_object is
  'Raises an error unless the JSON is an object without members other than those named.';

revoke all on function pgledger.check_json_object from public;
