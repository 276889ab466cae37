"""A scheduler that runs already, reached from here."""

from typing import Any

import distributed

from frames.exceptions import H2OResponseError

SECONDS_TO_CONNECT = 10


class Client(distributed.Client):
    """A client that is closed where it cannot connect."""

    def start(self, **options: Any) -> None:
        """Connect. What cannot is closed here and now, not by the garbage collector.

        Dask closes it where a connection fails, but not where it cannot even be tried (no certificate, a protocol
        that it does not know). The collector may then come in the thread of the next client's new event loop, where
        closing waits for a lock that the thread beside it holds until that loop runs: ten seconds, and an error.
        """
        try:
            super().start(**options)
        except BaseException:
            self.close()
            raise


def connected(address: str) -> Client:
    """Return a client of the scheduler at an address; H2OResponseError where none can be had, with what to do.

    For instance ``connected("tcp://10.0.0.5:8786")``.
    """
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except TypeError as error:
        raise H2OResponseError(
            f"The scheduler at {address} wants certificates ({error}). Name yours in Dask's configuration, "
            "distributed.comm.tls.ca-file, .client.cert and .client.key, or give client=distributed.Client(address, "
            "security=...)."
        ) from error
    except (OSError, ValueError) as error:
        raise H2OResponseError(
            f"A Dask scheduler must answer at {address}; none did within {SECONDS_TO_CONNECT} seconds ({error}). "
            "Start one with `dask scheduler`, or call init() without an address."
        ) from error
