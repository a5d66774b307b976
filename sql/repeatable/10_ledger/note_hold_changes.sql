/*
Notes that holds were extended, voided or expired. That a hold was made and posted needs no note:
the rows of the hold and of its transfers tell it. The caller has locked the holds, or the account
on whose side it releases them, so each is noted once.

The time is not before anything recorded of the hold, even if the clock has stepped back.
*/
create or replace function pgledger.note_hold_changes(
  hold_ids text[],
  change text,
  changed_at timestamptz default null
)
returns void
language sql
volatile
parallel unsafe
set enable_seqscan = off
as $$
  select pgledger.note_change(
    'hold',
    holds.id,
    note_hold_changes.change,
    greatest(
      holds.created_at,
      coalesce(note_hold_changes.changed_at, holds.expires_at),
      case when holds.posted_amount > 0 then (
        select max(transfers.created_at)
        from pgledger.transfers
        where transfers.app_id = holds.app_id
          and transfers.origin_id = holds.id
      ) end
    ),
    holds.app_id,
    '',
    case note_hold_changes.change
      when 'extended'
        then jsonb_build_object('expires_at', pgledger.argument_time(holds.expires_at))
      else jsonb_build_object('released_amount', (holds.amount - holds.posted_amount)::text)
    end
  )
  from pgledger.holds
  where holds.id = any(hold_ids)
  order by holds.id
$$;

comment on function pgledger.note_hold_changes is
  'Notes what became of holds, for the next block of changes; the time is their expiry if null.';

revoke all on function pgledger.note_hold_changes from public;
