"""Writes the truth beside the data: one Parquet file a table, and truth.json with parameters and figures."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.cells import CellRows
from simulator.company import price_steps
from simulator.horizon import FilingDate
from simulator.order import Order
from simulator.truth_counts import DeliveryFigures, ExperimentFigures, FunnelFigures
from simulator.truth_figures import DayFigures, MrrFigures, add_counts, amount_text, moment_text
from simulator.truth_tables import CellTruth
from simulator.vocabulary import EVENT_NAMES

FILE = "truth.json"


class Truth:
    """Collects what was planted, cell by cell; `write` finishes the folder.

    The Parquet files are written next to their final names and renamed at the end, truth.json last: a folder that has a
    truth.json is complete.
    """

    def __init__(self, order: Order, folder: Path) -> None:
        self.order, self.folder, self.scenario = order, folder, order.scenario
        self.days, self.mrr = DayFigures(self.scenario), MrrFigures(self.scenario)
        self.funnels, self.experiments = FunnelFigures(self.scenario), ExperimentFigures(self.scenario)
        self.delivery = DeliveryFigures()
        self.events: Counter[str] = Counter()
        self.touches: Counter[str] = Counter()
        self.totals: Counter[str] = Counter()
        self.writers: dict[str, pq.ParquetWriter] = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).unlink(missing_ok=True)

    def add(self, cells: list[CellRows]) -> None:
        """Keep the truth of some cells."""
        truths = []
        for rows in cells:
            truth = CellTruth(self.scenario, rows)
            truths.append(truth)
            self.days.add(rows, truth)
            self.mrr.add(truth)
            self.funnels.add(rows, truth)
            self.experiments.add(rows)
            self.delivery.add(rows)
            self._count(rows, truth)
        for name in CellTruth.names:
            self._write_table(name, pa.concat_tables([truth.table(name) for truth in truths]))

    def _count(self, rows: CellRows, truth: CellTruth) -> None:
        add_counts(self.events, list(EVENT_NAMES), rows.stream.name)
        landing = rows.stream.source[rows.stream.source >= 0]
        add_counts(self.touches, [channel for channel, _ in self.scenario.sources], landing)
        device, *_ = truth.pairs
        users = np.bincount(device)
        self.totals.update(
            people=rows.life.people.count,
            accounts=int((rows.life.opened_at >= 0).sum()),
            identity_pairs=len(device),
            devices_with_one_user=int((users == 1).sum()),
            devices_with_several_users=int((users > 1).sum()),
            users_with_several_devices=int((np.bincount(truth.pairs[1]) > 1).sum()),
            one_off_customers=len(rows.life.buyers.person),
            one_off_orders=len(rows.life.orders.person),
            trials=len(rows.life.trials.person),
            subscriptions=len(rows.life.starts.person),
        )

    def _write_table(self, name: str, table: pa.Table) -> None:
        if name not in self.writers:
            self.writers[name] = pq.ParquetWriter(self._unfinished(name), table.schema, compression="zstd")
        self.writers[name].write_table(table)

    def _unfinished(self, name: str) -> Path:
        return self.folder / f".{name}.parquet.unfinished"

    def write(self, rows_by_table: dict[str, int]) -> Path:
        """Finish all files; returns the path of truth.json."""
        for name, writer in self.writers.items():
            writer.close()
            os.replace(self._unfinished(name), self.folder / f"{name}.parquet")
        path, unfinished = self.folder / FILE, self.folder / f".{FILE}.unfinished"
        unfinished.write_text(json.dumps(self.document(rows_by_table), indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(unfinished, path)
        return path

    def document(self, rows_by_table: dict[str, int]) -> dict[str, Any]:
        """Everything that truth.json says."""
        return {
            "content_hash": self.order.content_hash,
            "load_id": str(self.order.load_id),
            "parameters": self.order.parameters(),
            "time_zone": "UTC",
            "rows_delivered": rows_by_table,
            "totals": dict(self.totals),
            "events_by_name": dict(self.events),
            "touches_by_channel": dict(self.touches),
            "days": self.days.document(),
            "mrr": self.mrr.document(),
            "funnels": self.funnels.document(),
            "experiments": self.experiments.document(),
            "delivery": self.delivery.document(),
            "incidents": self._stretches("incidents"),
            "anomalies": self._stretches("anomalies"),
            "price_changes": self._price_changes(),
            "competitor_prices": self._competitor_prices(),
            "deadlines": [_deadline(filing) for filing in self.scenario.filing_dates],
        }

    def _stretches(self, kind: str) -> list[dict[str, Any]]:
        planted = getattr(self.scenario, kind)
        return [
            {"name": stretch.name, "from": moment_text(stretch.begin), "to": moment_text(stretch.end)}
            | rule.model_dump(mode="json", exclude={"at", "hours", "days"}, exclude_defaults=True)
            for stretch, rule in planted
        ]

    def _price_changes(self) -> list[dict[str, Any]]:
        horizon = self.scenario.horizon
        return [
            {"name": name, "at": moment_text(horizon.moment(change.at))}
            | change.model_dump(mode="json", exclude={"at"})
            for name, change in self.order.world.price_changes.items()
        ]

    def _competitor_prices(self) -> list[dict[str, Any]]:
        return [
            {"competitor": name, "plan": plan, "billing_period": period, "amount": amount_text(amount)}
            | {"from": moment_text(max(begin, self.scenario.horizon.start))}
            for name, plan, period, begin, amount in price_steps(self.scenario)
        ]


def _deadline(filing: FilingDate) -> dict[str, Any]:
    return {
        "country": filing.country,
        "form": filing.form,
        "tax_year": filing.tax_year,
        "due_date": filing.due_date.isoformat(),
        "moved_from": filing.moved_from.isoformat() if filing.moved_from else None,
    }


def truth_of(folder: Path) -> dict[str, Any] | None:
    """The content of a folder's truth.json, None where there is none that can be read."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
