/*
Checks idempotency keys: that what came of each is there, and is what was asked for. A transfer, a
hold and an account say by themselves what they were made with; names of accounts may have changed
since, and so may what an account could spare when it was swept. A sweep with an id may repeat one
that was asked for with another max_amount.

The body is long because each kind of result says it in its own words.
*/
create or replace function pgledger.verify_keys(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with key as materialized (
    select
      idempotency_keys.app_id, idempotency_keys.idempotency_key, idempotency_keys.function_name,
      idempotency_keys.result_id, idempotency_keys.request
    from pgledger.idempotency_keys
    where verify_keys.app_id is null or idempotency_keys.app_id = verify_keys.app_id
  ),

  result as materialized (
    select
      key.app_id, key.idempotency_key, key.function_name, key.request, key.result_id,
      made.recorded, made.amount, made.status
    from key
    left join lateral (
      select
        pgledger.transfer_request(
          source.id, target.id, transfers.amount, transfers.event_at, transfers.metadata,
          transfers.id, transfers.group_id
        )
        || jsonb_build_object(
          'hold_id', transfers.origin_id, 'transfer_id', transfers.origin_id,
          'currency', source.currency,
          'reason', (
            select reversals_over_limits.reason
            from pgledger.reversals_over_limits
            where reversals_over_limits.reversal_id = transfers.id
          )
        ) as recorded,
        transfers.amount, null::smallint as status
      from pgledger.transfers
      inner join pgledger.accounts as source on transfers.from_key = source.key
      inner join pgledger.accounts as target on transfers.to_key = target.key
      where transfers.id = key.result_id
        and transfers.app_id = key.app_id
        and key.function_name in (
          'pgledger_create_transfer', 'pgledger_create_transfer_by_name', 'pgledger_post_hold',
          'pgledger_sweep', 'pgledger_reverse_transfer', 'pgledger_reverse_transfer_over_limits'
        )
      union all
      select
        pgledger.hold_request(
          source.id, target.id, holds.amount, holds.first_expires_at, null, holds.event_at,
          holds.metadata, holds.id, holds.group_id
        )
        || jsonb_build_object('hold_id', holds.id),
        holds.amount, holds.status
      from pgledger.holds
      inner join pgledger.accounts as source on holds.from_key = source.key
      inner join pgledger.accounts as target on holds.to_key = target.key
      where holds.id = key.result_id
        and holds.app_id = key.app_id
        and key.function_name in (
          'pgledger_create_hold', 'pgledger_void_hold', 'pgledger_extend_hold'
        )
      union all
      select
        pgledger.account_as_created(accounts.id)
        || case
          when key.function_name = 'pgledger_ensure_account'
            then jsonb_build_object('name', key.request -> 'name')
          else '{}'
        end,
        null, null
      from pgledger.accounts
      where accounts.id = key.result_id
        and accounts.app_id = key.app_id
        and key.function_name in ('pgledger_create_account', 'pgledger_ensure_account')
    ) as made on true
  )

  select
    'idempotency keys lead to what came of them',
    count(*),
    count(*) filter (where not found.is_right),
    min(found.idempotency_key) filter (where not found.is_right)
  from (
    select
      result.idempotency_key,
      case
        when result.result_id is null
          then result.function_name = 'pgledger_sweep' and exists (
            select
            from pgledger.accounts
            where accounts.id = result.request ->> 'from_account_id'
              and accounts.app_id = result.app_id
          )
        else result.recorded is not null
      end
    from result
  ) as found (idempotency_key, is_right)
  union all
  select
    'what came of idempotency keys is what was asked for',
    count(*),
    count(*) filter (where asked.is_right is not true),
    min(asked.idempotency_key) filter (where asked.is_right is not true)
  from (
    select
      result.idempotency_key,
      case
        when not pgledger.request_is_whole(result.function_name, result.request) then false
        when result.recorded is null then true
        else result.recorded @> (
          result.request - '{expires_at,expires_in,metadata,keep,max_amount,final}'::text[]
          - '{from_name,to_name,from_tenant_id,to_tenant_id}'::text[]
          - '{require_from_version,require_to_version}'::text[]
          - '{require_from_balance,require_to_balance}'::text[]
          - case when result.request ? 'id' then 'group_id' else '' end
        )
        and case
          when result.function_name in ('pgledger_void_hold', 'pgledger_extend_hold') then true
          else
            (result.recorded ->> 'event_at') is not distinct from result.request ->> 'event_at'
            and nullif(result.recorded -> 'metadata', 'null')
            is not distinct from result.request -> 'metadata'
        end
        and case
          when result.function_name in ('pgledger_create_account', 'pgledger_ensure_account')
            then pgledger.given_arguments(
              pgledger.picked(result.recorded, '{min_balance,max_balance}')
            ) <@ result.request
          when result.function_name = 'pgledger_sweep'
            then result.request ? 'id'
            or (to_jsonb(result.amount) > result.request -> 'max_amount') is not true
          when result.function_name = 'pgledger_void_hold' then result.status = 2
          when result.function_name = 'pgledger_create_hold'
            then result.request ? 'expires_in'
            or (result.recorded ->> 'expires_at')
            is not distinct from result.request ->> 'expires_at'
          else true
        end
      end
    from result
  ) as asked (idempotency_key, is_right)
$$;

comment on function pgledger.verify_keys is
  'Checks that what came of idempotency keys is there, and is what was asked for.';

revoke all on function pgledger.verify_keys from public;
