"""``scripts/mutants.py`` plants faults; each must still be one, or it finds nothing out."""

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripts import mutants
from scripts.planted import FAULTS
from scripts.planted.fault import Fault, StaleFaultError
from scripts.planted.maps import all_tests, first_tests, mapped_tests

ROOT = Path(__file__).resolve().parents[2]


def test_every_fault_still_changes_one_place_of_the_sql() -> None:
    stale: list[str] = []
    for fault in FAULTS:
        try:
            fault.check()
        except StaleFaultError as error:
            stale.append(str(error))
    assert stale == []


def test_every_fault_is_sql_that_postgresql_takes(conn: psycopg.Connection[Any]) -> None:
    # One that is not would fail every test, and find out nothing.
    refused: list[str] = []
    for fault in FAULTS:
        try:
            with conn.transaction(force_rollback=True):
                conn.execute(fault.planted().replace("@extschema@", "public").encode())
        except psycopg.Error as error:
            refused.append(f"{fault.name}: {error}")
    assert refused == []


def test_there_are_faults_in_every_part_of_both_systems() -> None:
    assert len(FAULTS) >= 60
    assert [name for name, count in Counter(f.name for f in FAULTS).items() if count > 1] == []
    folders = {path.name for path in (ROOT / "sql/repeatable").iterdir() if path.is_dir()}
    assert {fault.file.partition("/")[0] for fault in FAULTS} == folders


def test_every_fault_has_tests_to_find_it() -> None:
    for fault in FAULTS:
        tests = [*first_tests(fault), *all_tests(fault)]
        assert first_tests(fault), fault.name
        assert [test for test in tests if not (ROOT / test).exists()] == []


FAULT = Fault("a fault", "10_ledger/limit_fault", "balance < 1e30 and", "balance <= 1e30 and")


def test_a_fault_changes_its_file_and_nothing_else() -> None:
    planted = FAULT.planted()
    assert planted.replace(FAULT.new, FAULT.old) == (ROOT / FAULT.path).read_text()


@pytest.mark.parametrize(
    "change",
    [
        {"file": "10_ledger/no_such_function"},
        {"old": "no such text"},
        {"old": "balance"},
        {"new": "balance  <  1e30 and"},
        {"old": "Says what is wrong", "new": "Says what is right"},
    ],
)
def test_a_fault_that_changes_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(StaleFaultError):
        replace(FAULT, **change).check()


def test_a_stale_fault_ends_the_command_before_it_runs_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(mutants, "FAULTS", (replace(FAULT, old="no such text"),))
    assert mutants.main([f"--results={tmp_path / 'results'}"]) == 2
    assert "no such text" in capsys.readouterr().err


def test_maps_name_the_tests_of_a_helper_through_what_calls_it() -> None:
    found = mapped_tests(FAULT)
    assert "tests/ledger/test_limits.py" in found
    assert not [test for test in found if test.startswith("tests/house/")]


def results_of(tmp_path: Path, *verdicts: str, **changes: object) -> Path:
    path = tmp_path / "results.jsonl"
    for fault, verdict in zip(FAULTS, verdicts, strict=False):
        result = mutants.Result(fault.name, fault.digest(), verdict)
        mutants.keep(path, replace(result, **changes))  # type: ignore[arg-type]
    return path


def test_the_summary_wants_all_tried_and_nineteen_of_twenty_found(tmp_path: Path) -> None:
    def summary(*verdicts: str) -> int:
        path = results_of(tmp_path, *verdicts)
        code = mutants.main(["--summary", f"--results={path}"])
        path.unlink()
        return code

    number = len(FAULTS)
    assert summary(*["found"] * number) == 0
    assert summary(*["found"] * (number - 1)) == 1
    survivors = number // 20
    assert summary(*["survived"] * survivors, *["hung"] * (number - survivors)) == 0
    assert summary(*["doubtful"] * (survivors + 1), *["found"] * (number - survivors - 1)) == 1


def test_a_result_of_what_a_fault_was_before_does_not_count(tmp_path: Path) -> None:
    path = results_of(tmp_path, "found", "found")
    assert len(mutants.known_results(path)) == 2
    line = json.dumps(asdict(mutants.Result(FAULTS[0].name, "another", "found")))
    path.write_text(f"{path.read_text()}{line}\n")
    assert set(mutants.known_results(path)) == {FAULTS[1].name}
