"""The feed's baseline: asyncio, sockets, a timer. `python bare_sse.py PORT STORES PER_SECOND`."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from datetime import UTC, datetime


async def main(port: int, stores: int, per_second: float) -> None:
    listening: dict[int, list[asyncio.StreamWriter]] = {store: [] for store in range(stores)}

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        store = int(head.split(b"store=")[1].split(b" ")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: ready\n\n")
        listening[store].append(writer)
        await reader.read()
        listening[store].remove(writer)

    server = await asyncio.start_server(listen, "127.0.0.1", port, backlog=1024)
    async with server:
        while True:
            await asyncio.sleep(1 / per_second)
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            text = f"data: {json.dumps({'occurred_at': at, 'amount_fen': 100})}\n\n".encode()
            for writer in listening[random.randrange(stores)]:
                writer.write(text)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
