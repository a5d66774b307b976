/*
Refuses JSON that is larger than 1 MiB as text. A number such as 1e131071 takes 12 bytes
and is written with 131072. So the text is only made once every value in the JSON has been found to
be sound. Before that, only JSON that is too large in any case is refused: JSON takes less than
eight times the bytes of its text.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_size(
  value jsonb,
  path text,
  sound boolean
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_bytes integer := case
    when sound then octet_length(value::text)
    else pgledger.json_bytes(value) / 8
  end;
  v_ok boolean;
begin
  if v_bytes > 1048576 then
    v_ok := pgledger.refuse_json(null, path, 'has more than 1048576 bytes');
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_size is
  'Raises an error if JSON is larger than 1 MiB; as long as its values may be unsound, only if '
  'it is too large in any case.';

revoke all on function pgledger.check_json_size from public;
