/*
The requests of a batch as their keys' rows keep them; null for a request without a key. Where
accounts were given by name, the names say what was asked for, not the ids.
*/
create or replace function pgledger.keyed_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  group_id text,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[],
  from_names text[],
  to_names text[],
  currencies text[],
  from_tenant_ids text[],
  to_tenant_ids text[]
)
returns jsonb[]
language sql
stable
parallel safe
as $$
  select array(
    select
      case
        when request.key is null then null
        when keyed_requests.from_names is null then pgledger.transfer_request(
          request.from_account_id, request.to_account_id, request.amount, request.event_at,
          request.metadata, request.id, keyed_requests.group_id, request.from_version,
          request.to_version, request.from_balance, request.to_balance
        )
        else pgledger.named_request(
          request.from_name, request.to_name, request.amount, request.currency, request.event_at,
          request.metadata, request.id, request.from_tenant_id, request.to_tenant_id,
          keyed_requests.group_id, request.from_version, request.to_version,
          request.from_balance, request.to_balance
        )
      end
    from unnest(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, require_from_versions,
      require_to_versions, require_from_balances, require_to_balances, idempotency_keys,
      from_names, to_names, currencies, from_tenant_ids, to_tenant_ids
    ) with ordinality
      as request (
        from_account_id, to_account_id, amount, event_at, metadata, id, from_version, to_version,
        from_balance, to_balance, key, from_name, to_name, currency, from_tenant_id, to_tenant_id,
        place
      )
    order by request.place
  )
$$;

comment on function pgledger.keyed_requests is
  'The requests of a batch as their keys'' rows keep them.';

revoke all on function pgledger.keyed_requests from public;
