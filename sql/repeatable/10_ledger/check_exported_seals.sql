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
  v_seal jsonb;
  v_ok boolean;
begin
  if jsonb_typeof(exported) <> 'array' then
    exported := jsonb_build_array(exported);
  end if;
  foreach v_seal in array array(select jsonb_array_elements(exported)) loop
    -- A text may be too long for a regular expression.
    if (
      left(v_seal ->> 'block', 19) ~ '^[1-9][0-9]{0,17}$'
      and left(v_seal ->> 'root', 65) ~ '^[0-9a-f]{64}$'
    ) is not true then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'from_export', pgledger.abridged(v_seal::text),
          'each seal has the number of a block and a root of 64 hexadecimal digits'
        ]
      );
    end if;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_exported_seals is
  'Raises InvalidArgument unless a JSON array or object holds seals.';

revoke all on function pgledger.check_exported_seals from public;
