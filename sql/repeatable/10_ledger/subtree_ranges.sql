/*
The ranges of names, low <= name < high, that hold a subtree: the prefix itself, and what begins
with the prefix and a dot. Names are compared byte by byte, so a range of texts is a range of the
index on names, and no character of a prefix means anything. Between the two ranges lie other
trees: users-old is not below users.

The character after the dot is the slash. No name holds a character below the first. Without a
prefix there is one range, whose end is longer than a name can be, of the highest character.
*/
create or replace function pgledger.subtree_ranges(
  prefix text,
  out low text,
  out high text
)
returns setof record
language sql
immutable
parallel safe
rows 2
as $$
  select range.low, range.high
  from (
    values
      (subtree_ranges.prefix, subtree_ranges.prefix || chr(1)),
      (subtree_ranges.prefix || '.', subtree_ranges.prefix || '/')
  ) as range (low, high)
  where subtree_ranges.prefix is not null
  union all
  select '', repeat(chr(1114111), 256)
  where subtree_ranges.prefix is null
$$;

comment on function pgledger.subtree_ranges is
  'The ranges of names that are a prefix or below it; all names without a prefix.';

revoke all on function pgledger.subtree_ranges from public;
