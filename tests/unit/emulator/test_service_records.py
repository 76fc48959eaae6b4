"""What a service's containers tell of themselves and what a statement changes: neither is lost."""

from __future__ import annotations

import threading

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.catalog import Entry
from sf_ml_framework.emulator.names import Path
from sf_ml_framework.emulator.rooms import service_changes
from sf_ml_framework.emulator.services.running import Services

PATH = Path("D", "S", "STEADY")
FOUND = {
    "id": 1, "status": "RUNNING", "message": "", "job": False, "instances": [], "settings": {},
    "replicas": [1, 1, 1], "warehouse": None, "integrations": [],
}  # fmt: skip


def test_a_comment_and_a_status_that_come_at_once_both_stand():
    with Emulator() as emulator:
        account = emulator.account
        records = account.part(Services).records
        account.catalog.create(Entry(kind="SERVICE", path=PATH, properties=FOUND))
        over = threading.Event()
        said = []

        def tell():
            while not over.is_set():
                records.change(PATH, 1, message=f"m{len(said)}")
                said.append(account.catalog.get("SERVICE", PATH).properties["message"])

        telling = threading.Thread(target=tell)
        telling.start()
        lost = []
        for number in range(400):
            entry = account.catalog.get("SERVICE", PATH)
            service_changes._set(account, entry, {"COMMENT": f"c{number}"})
            if account.catalog.get("SERVICE", PATH).comment != f"c{number}":
                lost.append(number)
        over.set()
        telling.join()

    assert lost == []
    assert said == [f"m{number}" for number in range(len(said))]
