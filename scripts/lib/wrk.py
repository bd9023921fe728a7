"""wrk as load generator: runs it, reads its report, refuses a run with any error."""
import re
import subprocess
from dataclasses import dataclass

from servers import Server, pinned

CONNECTIONS = 64


class LoadError(Exception):
    """A run during which something was not answered as it should be: its figures mean nothing."""


@dataclass
class Load:
    requests: int
    seconds: float
    cpu_seconds: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Of the server, per request."""
        return self.cpu_seconds * 1e6 / self.requests

    @property
    def busy(self) -> float:
        """Cores that the server used on average. Below one per loop, something else was the limit."""
        return self.cpu_seconds / self.seconds


def run(server: Server, path: str, seconds: int, cores: str, script: str | None = None, threads: int = 1,
        connections: int = CONNECTIONS, is_secure: bool = False) -> Load:
    """Loads `server` for `seconds`. `script`: Lua, for other requests than a GET of `path`."""
    command = ["wrk", "--latency", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s"]
    if script is not None:
        file = server.folder / "wrk.lua"
        file.write_text(script)
        command += ["-s", str(file)]
    command.append(f"{'https' if is_secure else 'http'}://127.0.0.1:{server.port}{path}")
    before = server.cpu_seconds()
    result = subprocess.run(pinned(command, cores), capture_output=True, text=True, timeout=seconds + 60)
    cpu_seconds = server.cpu_seconds() - before
    if result.returncode != 0:
        raise LoadError(f"wrk against {server.name}: {result.stderr or result.stdout}")
    return read_report(result.stdout, cpu_seconds, server.name)


def read_report(report: str, cpu_seconds: float, name: str) -> Load:
    for fault in ("Socket errors", "Non-2xx or 3xx responses"):
        if fault in report:
            raise LoadError(f"{name} under wrk:\n{report}")
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)\b", report)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", report)
    if total is None or p99 is None or int(total[1]) == 0:
        raise LoadError(f"no figures for {name} in wrk's report:\n{report}")
    seconds = float(total[2]) * {"ms": 0.001, "s": 1, "m": 60}[total[3]]
    p99_ms = float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]
    return Load(int(total[1]), seconds, cpu_seconds, p99_ms)


def put_script(body: str) -> str:
    """The same PUT again and again: wrk renders it once."""
    return f'wrk.method = "PUT"\nwrk.body = "{body}"\nwrk.headers["Content-Type"] = "text/plain"\n'


def many_keys_script(prefix: str, count: int, method: str = "GET", body: str | None = None) -> str:
    """Walks over `count` keys, whose requests are rendered once."""
    argument = "nil" if body is None else f'"{body}"'
    return f"""
local requests = {{}}
local last = 0
function init()
    for index = 1, {count} do
        requests[index] = wrk.format("{method}", "{prefix}" .. index, nil, {argument})
    end
end
function request()
    last = last % {count} + 1
    return requests[last]
end
"""
