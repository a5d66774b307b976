"""node-postgres: what a JavaScript program sends and receives is what the pages say it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer
from support.clock import SetClock
from support.node import run_node

Script = Callable[[str], Any]

BEGINNING = """\
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const query = async (text, values) => (await client.query(text, values)).rows;
const code = async (text, values) => {
  try {
    await client.query(text, values);
    return null;
  } catch (error) {
    return error.code;
  }
};
const open = async (name, mayOwe) =>
  (await query(
    "select id from pgledger_create_account($1, 'USD', allow_negative_balance => $2)",
    [name, mayOwe],
  ))[0].id;
const [cash, wallet, sales] = [await open('cash', true), await open('wallet', false),
  await open('sales', true)];
const PAY = 'select * from pgledger_create_transfer($1, $2, $3)';
let result;
"""

END = """
console.log(JSON.stringify(result));
await client.end();
"""


@pytest.fixture
def script(server: EmbeddedServer, conn: psycopg.Connection[Any], tmp_path: Path) -> Script:
    """Runs JavaScript in the test's database, and returns what it leaves in ``result``."""

    def run(text: str) -> Any:
        return json.loads(run_node(BEGINNING + text + END, tmp_path, server, conn.info.dbname))

    return run


def test_amounts_are_strings_with_every_digit(script: Script) -> None:
    made = script("""
      const amounts = ['1.50', '0.000000000000000001', '9'.repeat(29)];
      result = [];
      for (const amount of amounts) {
        const [row] = await query(PAY, [cash, wallet, amount]);
        result.push([row.amount === amount, typeof row.amount, typeof row.to_account_version]);
      }
    """)
    assert made == [[True, "string", "string"]] * 3


def test_a_sum_of_numbers_is_what_javascript_makes_of_it(script: Script) -> None:
    assert script("""
      result = [
        (await query(PAY, [cash, wallet, 0.1 + 0.2]))[0].amount,
        await code(PAY, [cash, wallet, 1e-7 / 3]),
        await code(PAY, [cash, wallet, NaN]),
        await code(PAY, [cash, wallet, null]),
        await code(PAY, [wallet, sales, '99']),
      ];
    """) == ["0.30000000000000004", "LG010", "LG010", "LG010", "LG024"]


def test_a_date_asks_for_a_moment_before(
    script: Script, conn: psycopg.Connection[Any], set_clock: SetClock
) -> None:
    set_clock(conn, "date_trunc('second', clock_timestamp()) + interval '1.678901 seconds'")
    assert script("""
      const [made] = await query(
        'select created_at, created_at::text as exact from pgledger_create_transfer($1, $2, 7)',
        [cash, wallet],
      );
      const at = async (time) =>
        (await query('select pgledger_balance_at($1, $2) as b', [wallet, time]))[0].b;
      result = [
        made.created_at.getUTCMilliseconds(),
        made.exact.slice(-10, -5),
        Number(await at(made.created_at)),
        Number(await at(made.exact)),
      ];
    """) == [678, ".6789", 0, 7]


def test_an_array_of_transfers_needs_no_type(script: Script) -> None:
    assert script("""
      const transfers = [`(${cash},${wallet},1.50)`, `(${wallet},${sales},0.50)`];
      const all = 'select amount from pgledger_create_transfers';
      result = [
        (await query(`${all}_from_rows($1)`, [transfers])).length,
        (await query(`${all}(variadic $1)`, [transfers])).length,
        (await query(`${all}_bulk($1, $2, $3)`, [[cash], [wallet], ['2.50']]))[0].amount,
      ];
    """) == [2, 2, "2.50"]


def test_metadata_is_an_object_both_ways(script: Script) -> None:
    assert script("""
      const noted = { a: [1.5, { 'ü': "☃ $1 '" }], b: null };
      const pay = `${PAY.slice(0, -1)}, metadata => $4)`;
      const [made] = await query(pay, [cash, wallet, '1', noted]);
      result = [JSON.stringify(made.metadata) === JSON.stringify(noted), await code(pay,
        [cash, wallet, '1', '[1]'])];
    """) == [True, "LG007"]


def test_a_commit_of_an_aborted_transaction_says_so(script: Script) -> None:
    assert script("""
      await query('begin');
      await query(PAY, [cash, sales, '5']);
      const refused = await code(PAY, [wallet, sales, '99']);
      const ended = await client.query('commit');
      const kept = await query('select id from pgledger_transfers_view');
      result = [refused, ended.command, kept.length];
    """) == ["LG024", "ROLLBACK", 0]


def test_a_savepoint_keeps_what_came_before(script: Script) -> None:
    assert script("""
      await query('begin');
      await query(PAY, [cash, sales, '5']);
      await query('savepoint attempt');
      const refused = await code(PAY, [wallet, sales, '99']);
      await query('rollback to savepoint attempt');
      const ended = await client.query('commit');
      const kept = await query('select id from pgledger_transfers_view');
      result = [refused, ended.command, kept.length];
    """) == ["LG024", "COMMIT", 1]
