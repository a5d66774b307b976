/*
Seals all blocks that are not sealed. Each root needs the one before, so it goes block by block; one
statement makes the bytes of a block. Blocks never change, so nothing else is locked.

Locks: pgledger.blocks_lock, waited for: it keeps others from sealing, and from making blocks, until
the transaction ends.
Errors: InvalidState.
*/
create or replace function @extschema@.pgledger_seal()
returns @extschema@.pgledger_seal
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_block bigint;
  v_newest pgledger.seals;
  v_ok boolean;
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    v_ok := pgledger.fail(
      'InvalidState',
      array['the', 'transaction', current_setting('transaction_isolation'), 'one that seals'],
      hint => 'Seal in a transaction that is READ COMMITTED: others may have sealed blocks that '
      || 'this one''s snapshot does not have.'
    );
  end if;
  perform pg_advisory_xact_lock(pgledger.blocks_lock());
  perform pgledger.make_blocks();

  v_newest := (select seals from pgledger.seals order by seals.block desc limit 1);
  for v_block in
    select blocks.number
    from pgledger.blocks
    where blocks.number > coalesce(v_newest.block, 0)
    order by blocks.number
  loop
    v_newest.block := v_block;
    v_newest.root := pgledger.seal_root(v_block, coalesce(v_newest.root, ''));
    v_newest.sealed_at := pgledger.clock();
    insert into pgledger.seals (block, sealed_at, root)
    values (v_newest.block, v_newest.sealed_at, v_newest.root);
  end loop;

  return row(v_newest.block, encode(v_newest.root, 'hex'), v_newest.sealed_at);
end;
$$;

comment on function @extschema@.pgledger_seal is
$$Seals everything up to now, and returns what proves it later.

It makes the next block of changes, and a SHA-256 of each block that is not
sealed yet, each with the one before. Posting does not know of it: seal as
often as you like, for example each hour. Keep the result where whoever could
tamper with the database cannot: pgledger_verify_seals then finds what was
edited, added, removed or put in another order before it, even if all seals
were made again.

Returns: The newest seal; its columns are null if nothing has ever changed.

Errors: InvalidState (the transaction keeps its snapshot: it is REPEATABLE
  READ or SERIALIZABLE).$$;

revoke all on function @extschema@.pgledger_seal from public;
grant execute on function @extschema@.pgledger_seal to pgledger_poster;
