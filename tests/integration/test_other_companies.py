"""The comparisons of marts with oracles and planted truth, on companies that nobody has looked at: other seeds and
months, another time zone and currency. One fixed company hides what only others do; each is one more run of tests,
so they are heavy."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from other_company import SETTING, SimulatedCompany

HERE = Path(__file__).parent

#: Tests of these files that compare the simulated company with an oracle or with its truth, whatever its size.
FILES = [
    HERE / f"test_{name}.py"
    for name in (
        "funnels_marts", "kpi_oracle", "marketing_oracle", "marts_oracle", "operations_marts", "product_marts",
        "revenue_marts", "segments_oracle", "users_marts",
    )
]  # fmt: skip
COMPARISONS = "equal and not (retail or made_up or edges)"
#: The truth states days in UTC and money in dollars.
WITH_TRUTH = "(equal or planted or recovered) and not (retail or made_up or edges)"

COMPANIES = {
    "over a turn of the year": SimulatedCompany(1200, date(2025, 7, 1), date(2026, 3, 31), 77),
    "over a leap day": SimulatedCompany(1200, date(2023, 12, 10), date(2024, 5, 20), 3),
    "in Auckland, in euros": SimulatedCompany(
        1400, date(2026, 1, 15), date(2026, 7, 15), 41, "Pacific/Auckland", "EUR"
    ),
}


@pytest.mark.heavy
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", COMPANIES)
def test_marts_equal_oracles_and_truth(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-o", "timeout=0", "-p", "no:cacheprovider", *map(str, FILES)]
    company = COMPANIES[name]
    run = subprocess.run(
        [*command, "-k", COMPARISONS if company.build_options() else WITH_TRUTH],
        env=os.environ | {SETTING: company.as_json()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:]
