"""The recording client: a process of its own that keeps many connections busy and notes each request and its answer.

One thread, one epoll, one request at a time on each connection. It asks at a fixed rate that is well below what it can
do, so that the time a request took is the cluster's and not its own; how late it was itself is noted too. It stops when
it is told to, after `seconds_max`, or when it has noted `OPERATIONS_MAX`, whichever comes first.

With `follows_readiness` it is a load balancer too: it asks each node's /readyz every 100 ms, and sends nothing new to a
node that does not say 200.
"""
import errno
import heapq
import multiprocessing
import random
import select
import signal
import socket
import time
from dataclasses import dataclass, field

from chaos import requests
from chaos.history import Kind, Operation, Outcome

OPERATIONS_MAX = 600_000
SWEEP_SECONDS = 0.02
PROBE_SECONDS = 0.1
# Longer than any node takes to answer: its deadline is 5 s.
GIVE_UP_SECONDS = 8
# Until when a request that nobody answered may be executed: the deadline of 5 s, a stall that nobody noticed (500 ms),
# and as much for the way.
EXECUTED_WITHIN_SECONDS = 6
RECEIVE_BYTES = 1 << 16
UNANSWERED = "no answer"


@dataclass(frozen=True)
class Target:
    node: str
    host: str
    port: int


@dataclass(frozen=True)
class Plan:
    """What is asked of whom. Names of keys begin with `name`, which no other plan of the scenario has."""

    name: str
    targets: tuple[Target, ...]
    # To each target.
    connections: int = 64
    # Requests a second in all.
    rate: float = 2_000
    keys: int = 2_000
    counters: int = 40
    weights: dict[Kind, int] = field(default_factory=lambda: {
        Kind.GET: 45, Kind.PUT: 40, Kind.DELETE: 5, Kind.INCREMENT: 10})
    # Of PUT, the only request that takes it; others get what is the default.
    acks: int | None = None
    follows_readiness: bool = False
    seconds_max: float = 180
    seed: int = 1
    # Serial numbers of values begin here: another plan that writes the same keys needs others.
    first_serial: int = 1

    def key(self, number: int) -> str:
        return f"{self.name}:{number}"

    def counter(self, number: int) -> str:
        return f"{self.name}:n{number}"

    def all_keys(self) -> list[str]:
        return [self.key(number) for number in range(self.keys)] + \
               [self.counter(number) for number in range(self.counters)]


@dataclass
class Recording:
    operations: list[Operation]
    # Dials that failed, of nodes that were to be reached: (time, node).
    refusals: list[tuple[float, str]]
    # When the client itself was late, and by how many seconds.
    lags: list[tuple[float, float]]
    # What went wrong with the client: it then recorded no more.
    fault: str | None = None

    def extend(self, other: "Recording"):
        self.operations += other.operations
        self.refusals += other.refusals
        self.lags += other.lags
        self.fault = self.fault or other.fault

    def failed(self, nodes: set[str], since: float = 0) -> list[Operation]:
        return [operation for operation in self.operations if operation.outcome is not Outcome.OK
                and operation.node in nodes and operation.start >= since]

    def lag_max(self, since: float, until: float) -> float:
        return max((lag for at, lag in self.lags if since <= at <= until), default=0)


class Load:
    """A plan that runs in a process of its own. `with Load(plan) as load: …; load.stop()`."""

    def __init__(self, plan: Plan):
        context = multiprocessing.get_context("fork")
        self.plan = plan
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(plan, other), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def stop(self) -> Recording:
        """Waits for what is under way, and tells what there was."""
        self.pipe.send("stop")
        if not self.pipe.poll(GIVE_UP_SECONDS + 60):
            raise TimeoutError("the recording client does not stop")
        recording = self.pipe.recv()
        self.process.join(10)
        if recording.fault:
            raise RuntimeError(f"the recording client: {recording.fault}")
        return recording

    def __exit__(self, *_):
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(plan: Plan, pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    client = _Client(plan, pipe)
    try:
        client.run()
    except Exception as error:
        client.recording.fault = repr(error)
    pipe.send(client.recording)


class _Connection:
    """One to a target; `kind` is that of the request under way. A probe asks /readyz and nothing else."""

    def __init__(self, target: Target, is_probe: bool):
        self.target = target
        self.is_probe = is_probe
        self.socket: socket.socket | None = None
        self.is_open = False
        self.is_busy = False
        self.received = bytearray()
        self.started = 0.0
        self.dialled = 0.0
        self.due = 0.0
        self.key = ""
        self.kind = Kind.GET
        self.serial = 0


class _Client:
    def __init__(self, plan: Plan, pipe):
        self.plan = plan
        self.pipe = pipe
        self.source = random.Random(plan.seed)
        self.recording = Recording([], [], [])
        self.epoll = select.epoll()
        self.epoll.register(pipe.fileno(), select.EPOLLIN)
        self.by_descriptor: dict[int, _Connection] = {}
        self.serial = plan.first_serial
        self.kinds = list(plan.weights)
        self.weights = list(plan.weights.values())
        self.interval = plan.connections * len(plan.targets) / plan.rate
        self.probes = [_Connection(target, True) for target in plan.targets] if plan.follows_readiness else []
        self.in_rotation = {target.node: not plan.follows_readiness for target in plan.targets}
        self.connections = [_Connection(target, False) for _ in range(plan.connections) for target in plan.targets]
        self.dues: list[tuple[float, int, _Connection]] = []
        self.is_stopping = False

    def run(self):
        began = time.monotonic()
        for number, connection in enumerate(self.connections):
            connection.due = began + self.source.uniform(0, self.interval)
            heapq.heappush(self.dues, (connection.due, number, connection))
        next_sweep, end = began, began + self.plan.seconds_max
        while not (self.is_stopping and not any(connection.is_busy for connection in self.connections)):
            now = time.monotonic()
            if now >= next_sweep:
                self._sweep(now)
                next_sweep = now + SWEEP_SECONDS
                self.is_stopping |= now > end or len(self.recording.operations) >= OPERATIONS_MAX
            wake = min(next_sweep, self.dues[0][0] if self.dues else next_sweep)
            events = self.epoll.poll(max(0.0, wake - now))
            now = time.monotonic()
            if now - wake > 0.02:
                self.recording.lags.append((now, now - wake))
            for descriptor, event in events:
                self._happened(descriptor, event)
            self._ask_those_due(time.monotonic())
        for connection in self.connections + self.probes:
            self._close(connection)

    # What is due

    def _ask_those_due(self, now: float):
        while self.dues and self.dues[0][0] <= now:
            number, connection = heapq.heappop(self.dues)[1:]
            if connection.is_open and not connection.is_busy and self._may_ask(connection):
                self._ask(connection)
            # Who is still busy asks when it is answered; the rest comes back at the next turn.
            connection.due = max(now, connection.due) + self.interval * self.source.uniform(0.5, 1.5)
            heapq.heappush(self.dues, (connection.due, number, connection))

    def _may_ask(self, connection: _Connection) -> bool:
        return not self.is_stopping and self.in_rotation[connection.target.node]

    def _ask(self, connection: _Connection):
        source = self.source
        kind = source.choices(self.kinds, self.weights)[0]
        is_counter = kind is Kind.INCREMENT or (kind is Kind.GET and source.random() < 0.05 and self.plan.counters > 0)
        connection.kind = kind
        connection.key = self.plan.counter(source.randrange(self.plan.counters)) if is_counter else \
            self.plan.key(source.randrange(self.plan.keys))
        connection.serial = self.serial
        self.serial += 1
        self._send(connection, requests.request(kind, connection.key, connection.serial, self.plan.acks))

    def _send(self, connection: _Connection, data: bytes):
        connection.is_busy = True
        connection.received.clear()
        connection.started = time.monotonic()
        try:
            sent = connection.socket.send(data)
        except OSError:
            sent = 0
        if sent < len(data):
            self._broke(connection)

    def _sweep(self, now: float):
        """Dials, gives up, probes."""
        for connection in self.connections + self.probes:
            if connection.socket is None:
                if connection.is_probe or self._may_ask(connection):
                    self._dial(connection, now)
            elif not connection.is_open:
                if now - connection.dialled > GIVE_UP_SECONDS:
                    self._dial_failed(connection)
            elif connection.is_busy:
                if now - connection.started > (1 if connection.is_probe else GIVE_UP_SECONDS):
                    self._broke(connection)
            elif connection.is_probe:
                if now - connection.started > PROBE_SECONDS:
                    self._send(connection, requests.READINESS)
            elif not self.in_rotation[connection.target.node]:
                self._close(connection)

    def _dial(self, connection: _Connection, now: float):
        if now - connection.dialled < PROBE_SECONDS:
            return
        connection.dialled = now
        connection.socket = socket.socket()
        connection.socket.setblocking(False)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = connection.socket.connect_ex((connection.target.host, connection.target.port))
        if code not in (0, errno.EINPROGRESS):
            self._dial_failed(connection)
            return
        self.by_descriptor[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket.fileno(), select.EPOLLOUT)

    def _dial_failed(self, connection: _Connection):
        if connection.is_probe:
            self.in_rotation[connection.target.node] = False
        elif self._may_ask(connection):
            self.recording.refusals.append((time.monotonic(), connection.target.node))
        self._close(connection)

    # What happens

    def _happened(self, descriptor: int, event: int):
        connection = self.by_descriptor.get(descriptor)
        if connection is None:
            if descriptor == self.pipe.fileno():
                self.epoll.unregister(descriptor)
                self.is_stopping = True
        elif connection.is_open:
            self._read(connection)
        elif event & (select.EPOLLERR | select.EPOLLHUP):
            self._dial_failed(connection)
        else:
            connection.is_open = True
            self.epoll.modify(descriptor, select.EPOLLIN)

    def _read(self, connection: _Connection):
        try:
            data = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._broke(connection)
            return
        connection.received += data
        answer = requests.parse(connection.received)
        if answer is None:
            return
        connection.is_busy = False
        if connection.is_probe:
            self.in_rotation[connection.target.node] = answer.status == 200
        else:
            self._answered(connection, answer)
        if answer.closes:
            self._close(connection)
            # The node has ended it in good order: the next may be dialled at once.
            connection.dialled = 0

    def _answered(self, connection: _Connection, answer: requests.Answer):
        kind, detail, outcome, value = connection.kind, "", Outcome.OK, None
        if answer.status >= 300 and not (kind is Kind.GET and answer.status == 404):
            outcome, detail = Outcome.UNKNOWN, answer.fault
            value = connection.serial if kind is Kind.PUT else None
        elif kind is Kind.GET:
            value = requests.value_of(answer.body) if answer.status == 200 else None
        elif kind is Kind.PUT:
            value = connection.serial
        elif kind is Kind.INCREMENT:
            value = requests.value_of(answer.body[len(b'{"value":'):-1])
        self._note(connection, value, outcome, None, answer.copies, answer.is_partial, detail)

    def _broke(self, connection: _Connection):
        """Closed by the node, reset, or given up."""
        if connection.is_probe:
            self.in_rotation[connection.target.node] = False
        elif connection.is_busy:
            value = connection.serial if connection.kind is Kind.PUT else None
            latest = connection.started + EXECUTED_WITHIN_SECONDS
            self._note(connection, value, Outcome.UNKNOWN, latest, 0, False, UNANSWERED)
        self._close(connection)

    def _note(self, connection: _Connection, value, outcome: Outcome, latest: float | None, copies: int,
              is_partial: bool, detail: str):
        now = time.monotonic()
        self.recording.operations.append(Operation(
            connection.key, connection.kind, value, connection.started, now, outcome, connection.target.node,
            now if latest is None else latest, copies, is_partial, detail))

    def _close(self, connection: _Connection):
        if connection.socket is not None:
            self.by_descriptor.pop(connection.socket.fileno(), None)
            connection.socket.close()
        connection.socket = None
        connection.is_open = connection.is_busy = False
