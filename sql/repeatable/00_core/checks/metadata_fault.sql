/*
Says what is wrong with metadata, or null if nothing is. Null is no metadata.
*/
create or replace function pgledger.metadata_fault(metadata jsonb)
returns text
language sql
stable
parallel safe
as $$
  select case
    when metadata is null then null
    when jsonb_typeof(metadata) <> 'object'
      then format('it is of type %s, not an object', jsonb_typeof(metadata))
    -- A number of a few bytes can be up to 131072 digits long as text. So large metadata is made
    -- text only once its numbers are known to be short. A number has at most 16383 decimal places.
    when pg_column_size(metadata) > 1024
      and jsonb_path_exists(
        metadata, '$.** ? (@.type() == "number" && (@ >= 1e308 || @ <= -1e308))'
      )
      then 'it has a number of more than 308 digits'
    when octet_length(metadata::text) > 65536
      then format('it has %s bytes, at most 65536 are allowed', octet_length(metadata::text))
  end
$$;

comment on function pgledger.metadata_fault is 'What is wrong with metadata, or null.';

revoke all on function pgledger.metadata_fault from public;
