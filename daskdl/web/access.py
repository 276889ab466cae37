"""Who may enter: the token of the address, the session behind a cookie, the mark that every form carries.

The server listens on loopback, which every program and every open page of this machine can reach. So each request must
name this server as its host (an address that was bound anew names another), carry a session that began with the token,
and each change the mark that only pages of the same session show. All comparisons take constant time.
"""

import hashlib
import hmac
import secrets

HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Access:
    """The secrets of one server on one port; a session is a text that only this server can make.

    >>> access = Access(8000)
    >>> session = access.new_session()
    >>> access.knows(session), access.knows("made.up"), access.may_submit(session, access.mark(session))
    (True, False, True)
    """

    def __init__(self, port: int, token: str | None = None):
        self.token = token or secrets.token_urlsafe(32)
        self.cookie = f"daskdl-flow-{port}"  # browsers keep the cookies of all ports together
        self.hosts = frozenset(f"{host}:{port}" for host in HOSTS)
        self._origins = frozenset(f"http://{host}" for host in self.hosts)
        self._secret = secrets.token_bytes(32)

    def admits(self, token: str) -> bool:
        """Tell whether this is the token of the address."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def new_session(self) -> str:
        """Return a new session, for the cookie."""
        name = secrets.token_urlsafe(32)
        return f"{name}.{self._signed('session', name)}"

    def knows(self, session: str | None) -> bool:
        """Tell whether this server made a session."""
        name, _, signature = (session or "").rpartition(".")
        return hmac.compare_digest(signature.encode(), self._signed("session", name).encode())

    def mark(self, session: str) -> str:
        """Return what the forms of a session carry."""
        return self._signed("form", session)

    def may_submit(self, session: str, mark: str) -> bool:
        """Tell whether a form comes from a page of this session."""
        return hmac.compare_digest(mark.encode(), self.mark(session).encode())

    def is_own(self, origin: str | None) -> bool:
        """Tell whether a request's origin (None where a browser names none) is this server."""
        return origin is None or origin in self._origins

    def _signed(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
