"""The servers that are measured: each a process of its own, on a free port, pinned to cores, with a clean end."""
import getpass
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import procfs
from certificates import Certificate
from waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
# Another build, to compare two revisions.
TRIBE = Path(os.environ.get("TRIBE_BINARY", REPOSITORY / ".build/release/tribe"))

START_SECONDS = 20
STOP_SECONDS = 20


def raise_descriptor_limit():
    """This process and its children may open as many descriptors as the system allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


given_ports: set[int] = set()


def free_port() -> int:
    """One that nobody listens on, another each time: a settings file names several before any is listened on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in given_ports:
            given_ports.add(port)
            return port


def pinned(command: list[str], cores: str | None) -> list[str]:
    return command if cores is None else ["taskset", "--cpu-list", cores, *command]


class Server:
    """A running server. Use with `with`; what it prints is kept in two files of its folder."""

    name = "server"

    def __init__(self, cores: str | None = None):
        self.cores = cores
        self.folder = Path(tempfile.mkdtemp(prefix=f"tribe-{self.name}-"))
        self.output_file = self.folder / "output"
        self.error_file = self.folder / "errors"
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self):
        with self.output_file.open("wb") as output, self.error_file.open("wb") as errors:
            self.process = subprocess.Popen(
                pinned(self.command(), self.cores), stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                env=self.environment(), start_new_session=True)
        try:
            wait_until(self._is_ready_or_dead, f"{self.name} is ready", START_SECONDS)
        except BaseException:
            self.kill()
            raise
        return self

    def _is_ready_or_dead(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.output()}")
        return self.is_ready()

    def stop(self) -> int:
        """Asks the server to end, waits for it, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        """Ends the server at once, and the processes that it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It has ended by itself.
            pass
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.discard()

    def discard(self):
        """Removes what the server left on disk, its output too."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def output(self) -> str:
        return self.output_file.read_text(errors="replace") + self.error_file.read_text(errors="replace")

    @property
    def pids(self) -> list[int]:
        """The processes that do the work."""
        return [self.process.pid]

    def cpu_seconds(self) -> float:
        return sum(procfs.cpu_seconds(pid) for pid in self.pids)

    def resident_bytes(self) -> int:
        return sum(procfs.resident_bytes(pid) for pid in self.pids)


class Tribe(Server):
    """`tribe dev` as built by `swift build -c release`. `settings` are TRIBE_… variables, `tokens` a file of tokens."""

    name = "tribe"

    def __init__(self, cores: str | None = None, loops: int = 1, memory: str | None = None,
                 settings: dict[str, str] | None = None, tokens: Path | None = None,
                 tls: Certificate | None = None):
        super().__init__(cores)
        self.tokens = tokens
        self.tls = tls
        self.loops = loops
        self.memory = memory
        self.settings = settings or {}
        self.port = 0
        self.resp_port = 0

    def command(self) -> list[str]:
        memory = ["--memory", self.memory] if self.memory else []
        addresses = ["--http", "127.0.0.1:0", "--resp", "127.0.0.1:0"]
        tokens = ["--tokens", str(self.tokens)] if self.tokens else []
        tls = ["--tls-cert", str(self.tls.certificate), "--tls-key", str(self.tls.key)] if self.tls else []
        return [str(TRIBE), "dev", *addresses, "--loops", str(self.loops), *memory, *tokens, *tls]

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRIBE_")}
        return inherited | self.settings

    def log(self) -> list[dict]:
        """The complete log lines so far; a line that is not JSON raises ValueError."""
        complete = self.error_file.read_text(errors="replace").rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def has_logged(self, message: str) -> bool:
        return any(line["message"] == message for line in self.log())

    def is_ready(self) -> bool:
        try:
            lines = self.log()
        except ValueError:
            # Why it does not start, in words for people: it is about to end.
            return False
        for line in lines:
            if line["message"] == "listening":
                self.port = int(line["http"].rpartition(":")[2])
                self.resp_port = int(line["resp"].rpartition(":")[2])
        return self.port != 0


class Nginx(Server):
    """One worker that answers constants: 200 with 100 bytes for GET, 204 for anything with a body.

    `return` discards the body of a request as part of answering it: with keep-alive nginx must take those bytes out of
    the stream to find the next request. It stores nothing, so it is the floor of what a PUT costs an HTTP server.
    """

    name = "nginx"
    configuration = """
daemon off;
user {user};
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type application/octet-stream;
    keepalive_requests 4294967295;
    keepalive_timeout 75s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096{tls};
        location / {{
            if ($request_method = PUT) {{ return 204; }}
            return 200 "{constant}";
        }}
        location /files/ {{
            alias {folder}/files/;
            dav_methods PUT;
            client_max_body_size 64m;
        }}
    }}
}}
"""

    # With a certificate: the versions, ciphers and resumption that tribe has.
    tls_configuration = """ ssl;
        ssl_certificate {certificate.certificate};
        ssl_certificate_key {certificate.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_prefer_server_ciphers on;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;
        ssl_ecdh_curve X25519:P-256:P-384;
        ssl_session_cache off"""

    def __init__(self, cores: str | None = None, constant: str = "x" * 100, tls: Certificate | None = None):
        super().__init__(cores)
        self.tls = tls
        self.constant = constant
        self.files = self.folder / "files"
        self.files.mkdir()

    def command(self) -> list[str]:
        configuration = self.configuration.format(
            folder=self.folder, port=self.port, constant=self.constant,
            tls=self.tls_configuration.format(certificate=self.tls) if self.tls else "",
            descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[1], user=getpass.getuser())
        file = self.folder / "nginx.conf"
        file.write_text(configuration)
        return ["/usr/sbin/nginx", "-e", f"{self.folder}/error.log", "-c", str(file)]

    def is_ready(self) -> bool:
        return super().is_ready() and bool(self.pids)

    @property
    def pids(self) -> list[int]:
        return procfs.children(self.process.pid)


class Redis(Server):
    """Redis as a cache: nothing goes to disk. `options` are further settings of its file."""

    name = "redis"

    def __init__(self, cores: str | None = None, options: dict[str, str] | None = None):
        super().__init__(cores)
        self.options = options or {}

    @property
    def resp_port(self) -> int:
        return self.port

    def command(self) -> list[str]:
        options = [word for name, value in self.options.items() for word in (f"--{name}", value)]
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
                "--save", "", "--appendonly", "no", "--maxclients", "16000", "--daemonize", "no", *options]


class Memcached(Server):
    name = "memcached"

    def command(self) -> list[str]:
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return ["memcached", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-m", "1024", "-c", "16000",
                "-t", "1", *user]


class Webdis(Server):
    """webdis and the Redis behind it, together: its processor time is that of both."""

    name = "webdis"

    def __init__(self, cores: str | None = None):
        super().__init__(cores)
        self.redis = Redis(cores)

    def command(self) -> list[str]:
        file = self.folder / "webdis.json"
        file.write_text(json.dumps({
            "redis_host": "127.0.0.1", "redis_port": self.redis.port, "http_host": "127.0.0.1",
            "http_port": self.port, "threads": 1, "daemonize": False, "database": 0, "verbosity": 0,
            "logfile": "/dev/null", "pidfile": str(self.folder / "pid")}))
        return ["webdis", str(file)]

    def start(self):
        self.redis.start()
        try:
            return super().start()
        except BaseException:
            self.redis.stop()
            raise

    def stop(self) -> int:
        try:
            return super().stop()
        finally:
            self.redis.stop()

    def discard(self):
        super().discard()
        self.redis.discard()

    @property
    def pids(self) -> list[int]:
        return [self.process.pid, *self.redis.pids]
