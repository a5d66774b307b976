/*
The ids of one page of an app's transfers, the newest first. No index has them in that order, for
every transfer would pay for it. So the page is looked for in spans of time, one before the other:
the first is a guess, and each is four times as long as the one before it. What a span holds is
read by ranges of pages. If few transfers match, each is looked at once, and no more.

A group is one span: its index says which transfers are in it.
*/
create or replace function pgledger.page_of_transfers(
  app_id text,
  recorded_from timestamptz,
  recorded_until timestamptz,
  after_at timestamptz,
  after_id text,
  event_from timestamptz,
  event_until timestamptz,
  group_id text,
  metadata jsonb,
  tenant_id text,
  page_size integer
)
returns text[]
language plpgsql
stable
parallel safe
as $$
declare
  v_ids text[] := '{}';
  v_bottom timestamptz := coalesce(recorded_from, '-infinity');
  v_high timestamptz := least(
    coalesce(recorded_until, 'infinity'), after_at + interval '1 microsecond'
  );
  v_low timestamptz := pgledger.page_begins_at(v_high, page_size);
  v_length interval := '1 minute';
  v_found text[];
begin
  if group_id is not null or v_low is null then
    v_low := v_bottom;
  elsif v_high < 'infinity' then
    v_low := least(v_low, v_high - page_size * interval '1 microsecond');
    v_length := v_high - v_low;
  end if;

  loop
    v_low := greatest(v_low, v_bottom);
    v_found := pgledger.page_in_window(
      app_id, v_low, v_high, after_at, after_id, event_from, event_until, group_id, metadata,
      tenant_id, page_size - cardinality(v_ids)
    );
    v_ids := v_ids || v_found;
    exit when cardinality(v_ids) >= page_size or v_low <= v_bottom;

    v_length := 4 * v_length;
    v_high := v_low;
    v_low := case
      when v_length > interval '100000 days' or v_high < '1000-01-01 00:00:00+00' then v_bottom
      else v_high - v_length
    end;
  end loop;

  return v_ids;
end;
$$;

comment on function pgledger.page_of_transfers is
  'Ids of one page of an app''s transfers, the newest first.';

revoke all on function pgledger.page_of_transfers from public;
