"""A clustering in the store: step 3 and later commands read what step 2b found, and a second run computes nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from ictc.lane.clusterers import Clustering
from ictc.store import Store
from ictc.types import KChoice


def keep(store: Store, key: str, found: Clustering) -> None:
    """In one commit."""
    facts = {
        "params": found.params,
        "notes": found.notes,
        "choice": asdict(found.choice) if found.choice else None,
        "texts": None if found.texts is None else found.texts.tolist(),
        "width": found.centres.shape[1],
        "seconds": found.seconds,
    }
    store.put_many(
        [
            (f"{key}/facts", json.dumps(facts, default=str).encode()),
            (f"{key}/groups", found.groups.astype("<i4").tobytes()),
            (f"{key}/centres", found.centres.astype("<f8").tobytes()),
        ]
    )


def recall(store: Store, key: str) -> Clustering | None:
    """What `keep` kept; None where there is nothing."""
    entries = store.get_many([f"{key}/facts", f"{key}/groups", f"{key}/centres"])
    if len(entries) < 3:
        return None
    facts: dict[str, Any] = json.loads(entries[f"{key}/facts"])
    choice = facts["choice"]
    return Clustering(
        np.frombuffer(entries[f"{key}/groups"], "<i4").astype(np.intp),
        np.frombuffer(entries[f"{key}/centres"], "<f8").reshape(-1, facts["width"]),
        facts["params"],
        facts["notes"],
        KChoice(**{**choice, "curve": [(int(k), float(v)) for k, v in choice["curve"]]}) if choice else None,
        None if facts["texts"] is None else np.asarray(facts["texts"], dtype=np.intp),
        facts["seconds"],
    )
