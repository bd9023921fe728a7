"""A bare socket to a server: what is sent is exactly what the caller wrote."""
import socket
import ssl
import struct

# The longest wait for a connection.
CONNECT_SECONDS = 10


class RawConnection:
    """One connection. What was received and not yet read lies in `buffer`, from `place` on."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 20, tls: ssl.SSLContext | None = None):
        self.socket = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self.socket.settimeout(timeout)
        self.buffer = bytearray()
        self.place = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes in a way that the server sees as an error, not as an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def is_closed_by_server(self) -> bool:
        """Whether the server has closed, nothing more having been sent. Waits up to the time-out."""
        if self.place < len(self.buffer):
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def read_to_end(self) -> bytes:
        """All that arrives until the server closes, or resets."""
        try:
            while data := self.socket.recv(65536):
                self.buffer += data
        except ConnectionResetError:
            pass
        everything, self.buffer, self.place = bytes(self.buffer[self.place:]), bytearray(), 0
        return everything
