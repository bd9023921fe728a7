"""Nodes that are started by a settings file, as on a server."""
import json
import os
from pathlib import Path

from servers import TRIBE, Tribe, free_port


class ClusterNode(Tribe):
    """`tribe start` of the only node of a settings file in the server's folder. `members` are put over its keys."""

    def __init__(self, members: dict | None = None, arguments: tuple[str, ...] = (),
                 settings: dict[str, str] | None = None):
        super().__init__(settings=settings)
        self.arguments = arguments
        self.http_port, self.redis_port = free_port(), free_port()
        self.members = {
            "cluster": "test", "generation": 1, "loops": 2, "cache": {"memory": "64MiB"},
            "nodes": [{"id": "n1", "host": "127.0.0.1", "peer": free_port(), "http": self.http_port,
                       "resp": self.redis_port}],
        } | (members or {})
        self.write(self.members)

    @property
    def file(self) -> Path:
        return self.folder / "cluster.json"

    @property
    def data(self) -> Path:
        return self.folder / "data/n1"

    def write(self, members: dict | str):
        """Puts another file in the place of the settings, as editors do."""
        draft = self.folder / "cluster.json.draft"
        draft.write_text(members if isinstance(members, str) else json.dumps(members, indent=4))
        os.replace(draft, self.file)

    def change(self, **members):
        """Writes the file with these keys and the next generation."""
        self.members |= members | {"generation": self.members["generation"] + 1}
        self.write(self.members)

    def start(self):
        # It may have run before.
        self.port = 0
        return super().start()

    def command(self) -> list[str]:
        return [str(TRIBE), "start", "--config", str(self.file), "--node", "n1", *self.arguments]
