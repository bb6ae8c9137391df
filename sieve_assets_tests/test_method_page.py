"""docs/method.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def test_every_defect_of_another_program_has_tests_that_exist():
    section = PAGE.split("## 7. Known defects")[1]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    tests = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "sieve_assets_tests").rglob("test_*.py")
    )

    assert len(rows) == 7
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert [name for name in named if f"def {name}(" not in tests] == []
