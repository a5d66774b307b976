/*
What becomes of a usage event whose idempotency key its meter has: it is a duplicate if it says the
same, and otherwise rejected. The time of an event counts only where it is given. A corrected event
is repeated by its first quantity and by its last. No row if the key is free.
*/
create or replace function pgledger.repeated_usage(
  meter_key integer,
  idempotency_key text,
  quantity numeric,
  event_at timestamptz
)
returns table (status text, id text, error text, arguments text[])
language sql
stable
parallel safe
rows 1
as $$
  select
    case when repeated.is_same then 'duplicate' else 'rejected' end,
    case
      when repeated.is_same then pgledger.event_id(usage_events.created_at, usage_events.key)
    end,
    case when not repeated.is_same then 'IdempotencyConflict' end,
    case
      when not repeated.is_same
        then array[
          'idempotency_key', quote_literal(pgledger.abridged(repeated_usage.idempotency_key))
        ]
    end
  from pgledger.usage_events
  cross join lateral (
    select
      coalesce(
        repeated_usage.quantity in (
          usage_events.quantity,
          (
            select usage_corrections.quantity
            from pgledger.usage_corrections
            where usage_corrections.meter_key = usage_events.meter_key
              and usage_corrections.event_at = usage_events.event_at
              and usage_corrections.event_key = usage_events.key
            order by usage_corrections.version
            limit 1
          )
        )
        and (
          repeated_usage.event_at is null or repeated_usage.event_at = usage_events.event_at
        ),
        false
      ) as is_same
  ) as repeated
  where usage_events.meter_key = repeated_usage.meter_key
    and usage_events.idempotency_key = repeated_usage.idempotency_key
$$;

comment on function pgledger.repeated_usage is
  'What becomes of a usage event whose idempotency key its meter has, or no row.';

revoke all on function pgledger.repeated_usage from public;
