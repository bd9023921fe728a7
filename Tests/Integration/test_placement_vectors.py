"""The vectors of placement are what the implementation beside Tribe's says."""
from pathlib import Path

import placement

FILE = Path(__file__).resolve().parents[1] / "ClusterTests" / "Vectors" / "placement.json"


def test_the_vectors_are_those_of_the_second_implementation():
    assert FILE.read_text() == placement.vectors(), (
        "python3 scripts/lib/placement.py vectors > Tests/ClusterTests/Vectors/placement.json writes them anew"
    )
