"""A TCP connection that a test can cut: what is sent to it is passed on, until it is silent or closed."""

import asyncio
import threading
from contextlib import suppress
from typing import Any


class Wire:
    """Passes on what comes to `address` to host and port of `target`, and back; for instance to a scheduler.

    `silence()` keeps connections open and lets no byte through any more, in neither direction, as where packets are
    dropped; `cut()` closes all and accepts no others.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Any = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self._open = asyncio.Event()
        self._loop.call_soon_threadsafe(self._open.set)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"tcp://{host}:{port}"

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        with suppress(asyncio.CancelledError):  # at the end of the test
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(2**16):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    def silence(self) -> None:
        """Let nothing through from now on."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def heal(self) -> None:
        """Let through what is sent, and what was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._open.set)

    def cut(self) -> None:
        """Close all connections, and accept no more."""
        self._loop.call_soon_threadsafe(self._server.close)
        for writer in list(self._writers):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def close(self) -> None:
        """End the thread, and everything in it."""
        self.cut()
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
