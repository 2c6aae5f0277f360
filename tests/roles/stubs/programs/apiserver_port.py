"""The API server's port on a control plane: TLS, in front of the cluster's unix socket."""

import asyncio
import contextlib
import ssl

from . import cluster

PKI = "/etc/kubernetes/pki"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_unix_connection(cluster.SOCKET)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _serve() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{PKI}/apiserver.crt", f"{PKI}/apiserver.key")
    server = await asyncio.start_server(_pipe, "127.0.0.1", 6443, ssl=context)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until terminated."""
    asyncio.run(_serve())
