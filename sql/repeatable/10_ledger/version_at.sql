/*
The version of an account at a time as recorded: that of its newest entry whose created_at is not
later; 0 before the first. newest_at is a time that no entry of the account is later than, such as
its updated_at.

Along an account versions and times ascend together, and versions have no gap: so where the time
lies between two known ones tells about where the version lies between theirs. Each look narrows
the range. The guess is pulled towards the middle, so that looks come from both sides, and by at
most what keeps their number within three of halving, however unevenly the entries lie. Among
1,000,000 that come evenly 7 to 11 looks do, and 24 always; halving takes 20.

A look is one or two look-ups, in two indexes. An entry that cannot be found, because somebody
deleted it, is passed over as if it were later.
*/
create or replace function pgledger.version_at(
  account_key bigint,
  newest_version bigint,
  newest_at timestamptz,
  at timestamptz
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_low bigint := 0;
  v_low_at timestamptz;
  v_high bigint := newest_version + 1;
  v_high_at timestamptz := newest_at;
  v_version bigint := 1;
  v_at timestamptz;
  v_all double precision := greatest(newest_version, 1);
  v_width double precision;
  v_off double precision;
  v_reach double precision := power(2, ceil(log(v_all)/ log(2::double precision)) + 2);
begin
  if newest_version = 0 or at >= newest_at then
    return newest_version;
  end if;

  loop
    select transfers.created_at
    into v_at
    from pgledger.transfers
    where transfers.from_key = account_key and transfers.from_version = v_version
    union all
    select transfers.created_at
    from pgledger.transfers
    where transfers.to_key = account_key and transfers.to_version = v_version
    limit 1;

    if v_at <= at then
      v_low := v_version;
      v_low_at := v_at;
    else
      v_high := v_version;
      v_high_at := coalesce(v_at, v_high_at);
    end if;
    v_width := v_high - v_low;
    exit when v_width <= 1;

    -- How far from the middle the guess is.
    v_off := v_width * (
      date_part('epoch', at - v_low_at) / date_part('epoch', v_high_at - v_low_at) - 0.5
    );
    v_off := sign(v_off) * least(
      greatest(abs(v_off) - 0.2 * v_width * v_width / v_all, 0),
      greatest(v_reach - v_width / 2, 0)
    );
    v_reach := v_reach / 2;
    v_version := greatest(v_low + 1, least(v_high - 1, round(v_low + v_width / 2 + v_off)::bigint));
  end loop;

  return v_low;
end;
$$;

comment on function pgledger.version_at is
  'Version of an account at a time, as recorded; 0 before its first entry.';

revoke all on function pgledger.version_at from public;
