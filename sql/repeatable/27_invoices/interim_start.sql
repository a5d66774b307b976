/*
From when the next interim invoice of a period counts: where the last final one ended, or the start
of the period. One that ended as it began keeps its place: the next begins a microsecond later, once
that has come. In a period that is over it begins just before the end, each before the last.
*/
create or replace function pgledger.interim_start(
  subscription_key bigint,
  starts_at timestamptz,
  ends_at timestamptz
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select
    case
      when count(*) = 0 then interim_start.starts_at
      when max(interim.period_end) < interim_start.ends_at then max(
        case
          when interim.period_end > interim.period_start then interim.period_end
          else least(
            interim.period_start + interval '1 microsecond',
            greatest(interim.period_start, pgledger.clock())
          )
        end
      )
      -- Before all that stand there, whichever of them have been voided meanwhile.
      else coalesce(
        min(interim.period_start)
        filter (where interim.period_start > interim_start.ends_at - interval '1 second'),
        interim_start.ends_at
      ) - interval '1 microsecond'
    end
  from pgledger.invoices as interim
  where interim.subscription_key = interim_start.subscription_key
    and interim.kind = 'interim'
    and interim.status not in ('draft', 'voided')
    and interim.period_start >= interim_start.starts_at
    and interim.period_end <= interim_start.ends_at
$$;

comment on function pgledger.interim_start is
  'From when the next interim invoice of a period counts.';

revoke all on function pgledger.interim_start from public;
