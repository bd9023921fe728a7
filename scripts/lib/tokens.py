"""Tokens files, as an operator would write them."""
import hashlib
import json
import os
from pathlib import Path

# Begins every token that a test shows: what holds it says a secret.
MARKER = "tribe_secret_of_"
ALL_ROLES = ["read", "write", "jobs", "admin"]


def text(name: str) -> str:
    """The token whose entry has this name."""
    return MARKER + name


def entry(name: str, roles: list[str] = ALL_ROLES, token: str | None = None, **rights) -> dict:
    digest = hashlib.sha256((token or text(name)).encode()).hexdigest()
    return {"name": name, "sha256": digest, "roles": roles, **rights}


def write(file: Path, entries: list[dict] | str, mode: int = 0o600) -> Path:
    """Writes the file in one step: whoever reads it sees the old one or the new one."""
    new = file.with_suffix(".new")
    new.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    new.chmod(mode)
    os.replace(new, file)
    return file


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text(name)}"}
