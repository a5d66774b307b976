/*
The refusal of a repeat names the argument, an id or a key. So the functions that refuse one take
its name, and are others than those before.
*/
drop function if exists pgledger.check_repeated(text, jsonb, jsonb);
drop function if exists pgledger.refuse_repeated(text, jsonb, jsonb, bigint, bigint);
