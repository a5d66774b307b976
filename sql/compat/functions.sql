/*
The earlier project's functions, which call pgledger's with the caller's own rights. They return rows
of its views. event_at may lie ahead, as it may there.

Run by `pgledger migrate --compat`, and by each later migration that finds another file.
*/
create or replace function @compat@.pgledger_create_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null
)
returns setof @compat@.pgledger_accounts_view
language sql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
  select
    created.id,
    created.name,
    created.currency,
    created.balance,
    created.version,
    created.allow_negative_balance,
    created.allow_positive_balance,
    created.metadata,
    created.created_at,
    created.updated_at
  from @extschema@.pgledger_create_account(
    pgledger_create_account.name,
    pgledger_create_account.currency,
    allow_negative_balance => pgledger_create_account.allow_negative_balance,
    allow_positive_balance => pgledger_create_account.allow_positive_balance,
    metadata => pgledger_create_account.metadata
  ) as created
$$;

comment on function @compat@.pgledger_create_account is
  'Creates an account, as in the earlier project.';

revoke all on function @compat@.pgledger_create_account from public;
grant execute on function @compat@.pgledger_create_account to pgledger_poster;

create or replace function @compat@.pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null
)
returns setof @compat@.pgledger_transfers_view
language sql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
  select
    created.id,
    created.from_account_id,
    created.to_account_id,
    created.amount,
    created.created_at,
    created.event_at,
    created.metadata
  from @extschema@.pgledger_create_transfer(
    pgledger_create_transfer.from_account_id,
    pgledger_create_transfer.to_account_id,
    pgledger_create_transfer.amount,
    event_at => pgledger_create_transfer.event_at,
    metadata => pgledger_create_transfer.metadata,
    allow_future_event_at => true
  ) as created
$$;

comment on function @compat@.pgledger_create_transfer is
  'Moves an amount, as in the earlier project.';

revoke all on function @compat@.pgledger_create_transfer from public;
grant execute on function @compat@.pgledger_create_transfer to pgledger_poster;

create or replace function @compat@.pgledger_create_transfers(
  transfer_requests @compat@.transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null
)
returns setof @compat@.pgledger_transfers_view
language sql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
  select
    created.id,
    created.from_account_id,
    created.to_account_id,
    created.amount,
    created.created_at,
    created.event_at,
    created.metadata
  from @extschema@.pgledger_create_transfers_from_rows(
    array(
      select
        row(
          request.from_account_id, request.to_account_id, request.amount
        )::@extschema@.pgledger_transfer_request
      from unnest(transfer_requests) as request
    ),
    event_at => pgledger_create_transfers.event_at,
    metadata => pgledger_create_transfers.metadata,
    allow_future_event_at => true
  ) as created
$$;

comment on function @compat@.pgledger_create_transfers(
  @compat@.transfer_request[], timestamptz, jsonb
) is
  'Moves several amounts, all or none, as in the earlier project.';

revoke all on function @compat@.pgledger_create_transfers(
  @compat@.transfer_request[], timestamptz, jsonb
) from public;
grant execute on function @compat@.pgledger_create_transfers(
  @compat@.transfer_request[], timestamptz, jsonb
) to pgledger_poster;

create or replace function @compat@.pgledger_create_transfers(
  variadic transfer_requests @compat@.transfer_request[]
)
returns setof @compat@.pgledger_transfers_view
language sql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
  select
    created.id,
    created.from_account_id,
    created.to_account_id,
    created.amount,
    created.created_at,
    created.event_at,
    created.metadata
  from @extschema@.pgledger_create_transfers_from_rows(
    array(
      select
        row(
          request.from_account_id, request.to_account_id, request.amount
        )::@extschema@.pgledger_transfer_request
      from unnest(transfer_requests) as request
    )
  ) as created
$$;

comment on function @compat@.pgledger_create_transfers(@compat@.transfer_request[]) is
  'Moves several amounts, all or none, as in the earlier project.';

revoke all on function @compat@.pgledger_create_transfers(@compat@.transfer_request[])
from public;
grant execute on function @compat@.pgledger_create_transfers(@compat@.transfer_request[])
to pgledger_poster;

create or replace function @compat@.pgledger_generate_id(prefix text)
returns text
language sql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
  select @extschema@.pgledger_generate_id(prefix)
$$;

comment on function @compat@.pgledger_generate_id is
  'Makes an id, as in the earlier project.';

revoke all on function @compat@.pgledger_generate_id from public;
grant execute on function @compat@.pgledger_generate_id to pgledger_reader;
