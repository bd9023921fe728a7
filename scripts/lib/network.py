"""Hosts in network namespaces on one bridge, between which links can be cut. Needs root, iproute2 and nftables."""
import os
import subprocess
import tempfile
from pathlib import Path


def run(*words: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(words, check=check, capture_output=True, text=True)


class Network:
    """`count` hosts, numbered from 1, in namespaces of their own. This process reaches them over the bridge."""

    def __init__(self, count: int):
        self.count = count
        self.prefix = f"tribe{os.getpid() % 10_000}"
        self.bridge = f"{self.prefix}b"

    def address(self, host: int) -> str:
        return f"10.213.77.{host}"

    def name(self, host: int) -> str:
        return f"{self.prefix}h{host}"

    def inside(self, host: int) -> tuple[str, ...]:
        """What to put before a command that is to run on a host."""
        return ("ip", "netns", "exec", self.name(host))

    def __enter__(self):
        try:
            run("ip", "link", "add", self.bridge, "type", "bridge")
            run("ip", "addr", "add", "10.213.77.254/24", "dev", self.bridge)
            run("ip", "link", "set", self.bridge, "up")
            for host in range(1, self.count + 1):
                self._add(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _add(self, host: int):
        name, outside = self.name(host), f"{self.prefix}v{host}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", outside, "master", self.bridge, "up")
        run(*self.inside(host), "ip", "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
        run(*self.inside(host), "ip", "link", "set", "eth0", "up")
        run(*self.inside(host), "ip", "link", "set", "lo", "up")

    def cut(self, host: int, other: int):
        """Both drop what comes from the other, without a word."""
        self._drop(host, other, "")

    def lose(self, host: int, other: int, percent: int):
        """Both drop so much of what comes from the other, at random."""
        self._drop(host, other, f"numgen random mod 100 < {percent} ")

    def _drop(self, host: int, other: int, condition: str):
        for here, there in ((host, other), (other, host)):
            source = f"ip saddr {self.address(there)}"
            rules = f"""
                table inet cut{there} {{
                    chain input {{ type filter hook input priority 0; {source} {condition}drop; }}
                }}
            """
            with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
                Path(file.name).write_text(rules)
                run(*self.inside(here), "nft", "-f", file.name)

    def heal(self, host: int, other: int):
        for here, there in ((host, other), (other, host)):
            run(*self.inside(here), "nft", "delete", "table", "inet", f"cut{there}")

    def __exit__(self, *_):
        for host in range(1, self.count + 1):
            run("ip", "netns", "del", self.name(host), check=False)
        run("ip", "link", "del", self.bridge, check=False)
