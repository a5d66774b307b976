/*
Refuses what are no seals that pgledger_seal has returned, as JSON.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_exported_seals(exported jsonb)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_wrong bigint;
  v_ok boolean;
begin
  if jsonb_typeof(exported) <> 'array' then
    exported := jsonb_build_array(exported);
  end if;
  -- What is no number and no string may be more text than can be held.
  select
    given.number
  into
    v_wrong
  from
    jsonb_array_elements(exported) with ordinality as given(seal, number)
  where
    case
      when jsonb_typeof(given.seal -> 'block') = 'number'
        and jsonb_typeof(given.seal -> 'root') = 'string'
        then (
          left(given.seal ->> 'block', 19) ~ '^[1-9][0-9]{0,17}$'
          and left(given.seal ->> 'root', 65) ~ '^[0-9a-f]{64}$'
        )
      else false
    end is not true
  order by
    given.number
  limit 1;
  if v_wrong is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'from_export', 'element ' || v_wrong,
        'each seal has the number of a block and a root of 64 hexadecimal digits'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_exported_seals is
  'Raises InvalidArgument unless a JSON array or object holds seals.';

revoke all on function pgledger.check_exported_seals from public;
