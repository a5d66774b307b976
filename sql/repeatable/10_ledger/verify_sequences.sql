/*
Checks that every sequence is ahead of the keys that it gave. Logical replication copies rows and
not sequences, so after a switch-over they begin anew.
*/
create or replace function pgledger.verify_sequences()
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'sequences are ahead of the keys in use',
    count(*),
    count(*) filter (where sequence.greatest_key >= sequence.next_key),
    min(
      format(
        '%s would give %s, and %s is in use: call pgledger_raise_sequences()',
        sequence.name, sequence.next_key, sequence.greatest_key
      )
    ) filter (where sequence.greatest_key >= sequence.next_key)
  from pgledger.key_sequences() as sequence
$$;

comment on function pgledger.verify_sequences is
  'Checks that every sequence is ahead of the keys that it gave.';

revoke all on function pgledger.verify_sequences from public;
