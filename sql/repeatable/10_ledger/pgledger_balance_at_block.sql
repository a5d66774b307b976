/*
The balance of an account right after a block: that of the last version which blocks up to it cover.
One look-up in block_accounts and one or two in transfers.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound, InvalidArgument.
*/
create or replace function @extschema@.pgledger_balance_at_block(
  account_id text,
  block bigint,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_newest bigint;
  v_version bigint;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);
  if block is null then
    v_ok := pgledger.fail('NullArgument', array['block']);
  end if;
  v_newest := coalesce((select max(blocks.number) from pgledger.blocks), 0);
  if block not between 0 and v_newest then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['block', block::text, format('there are the blocks 0 to %s', v_newest)]
    );
  end if;

  select block_accounts.to_version
  into v_version
  from pgledger.block_accounts
  where block_accounts.account_key = v_account.key
    and block_accounts.block <= pgledger_balance_at_block.block
  order by block_accounts.block desc
  limit 1;

  return pgledger.version_balance(v_account.key, coalesce(v_version, 0));
end;
$$;

comment on function @extschema@.pgledger_balance_at_block is
$$Returns an account's balance at the end of a block of changes.

The answer is final for ever: what commits later, whenever it was recorded,
belongs to a later block. The same block gives balances of different accounts
that belong together, and they sum to zero.

account_id: Whose balance.
block: Number of the block, as pgledger_changes tells it; 0 for before the
  first one.
app_id: Set of books that the account belongs to.

Returns: The balance in units of the account's currency; 0 before its first
  entry.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidArgument (there is no such block).$$;

revoke all on function @extschema@.pgledger_balance_at_block from public;
grant execute on function @extschema@.pgledger_balance_at_block to pgledger_reader;
