"""A server that costs little to start and to keep: it says yes to everything."""

import os
import selectors
import signal
import socket
import sys

PORT_TAKEN = 71  # as the model server ends where it cannot listen
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{"model_version":"%b"}\n'


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    answer = ANSWER % os.environb[b"MODELSERVER_RELEASE"]
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", int(os.environ["MODELSERVER_PORT"])))
    except OSError:
        sys.exit(PORT_TAKEN)
    listening.listen()
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                peer = key.fileobj
                assert isinstance(peer, socket.socket)
                if peer is listening:
                    selector.register(listening.accept()[0], selectors.EVENT_READ)
                elif not answered(peer, answer):
                    selector.unregister(peer)
                    peer.close()


def answered(peer: socket.socket, answer: bytes) -> bool:
    """Answer what came from a caller; False once that has gone."""
    try:
        if not peer.recv(65536):
            return False
        peer.sendall(answer)
    except OSError:
        return False
    return True


main()
