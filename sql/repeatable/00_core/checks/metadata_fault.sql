/*
Says what is wrong with metadata, or null if nothing is. Null is no metadata.

Only what takes more than 308 bytes, in memory or as text, can have a number of more than 308 digits
or more than 64 levels, and is looked at closer. Text is made by concat, which is stable: immutable
functions of a constant are worked out by the planner, before anything is measured.
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
    when case
      when pgledger.json_bytes(metadata) > 308 then true
      else octet_length(concat(metadata)) > 308
    end
      then pgledger.searched_metadata_fault(metadata)
  end
$$;

comment on function pgledger.metadata_fault is 'What is wrong with metadata, or null.';

revoke all on function pgledger.metadata_fault from public;
