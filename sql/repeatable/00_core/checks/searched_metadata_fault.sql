/*
Says what is wrong with a JSON object that is not small, or null if nothing is.

It is measured before it is searched, and searched before it is made text, because a number of a few
bytes can be written with 131072 digits, or with 16383 decimal places. Every client can read 64
levels and 308 digits; Python gives up at some 1000 levels and 4300 digits. A level takes 8 bytes at
least, and 1024 bytes have no more decimal places than can be written in a moment.
*/
create or replace function pgledger.searched_metadata_fault(metadata jsonb)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_size integer := pgledger.json_bytes(metadata);
  v_bytes bigint;
begin
  if v_size > 8 * 65536 then
    return 'it has more than 65536 bytes';
  elsif v_size > 512 and jsonb_path_exists(
    metadata, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")'
  ) then
    return 'it is nested more than 64 levels deep';
  elsif jsonb_path_exists(
    metadata, 'strict $.** ? (@.type() == "number" && (@ >= 1e308 || @ <= -1e308))'
  ) then
    return 'it has a number of more than 308 digits';
  end if;

  if v_size > 1024 then
    select sum(scale(number.value::numeric))
    into v_bytes
    from jsonb_path_query(metadata, 'strict $.** ? (@.type() == "number")') as number (value);
    if v_bytes > 65536 then
      return 'it has more than 65536 bytes';
    end if;
  end if;

  v_bytes := octet_length(metadata::text);
  if v_bytes > 65536 then
    return format('it has %s bytes, at most 65536 are allowed', v_bytes);
  end if;
  return null;
end;
$$;

comment on function pgledger.searched_metadata_fault is
  'What is wrong with metadata that is a JSON object, or null.';

revoke all on function pgledger.searched_metadata_fault from public;
