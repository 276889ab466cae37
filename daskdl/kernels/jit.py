"""The one jit policy: how kernels are compiled, cached on disk and specialised by values.

A *kernel* is a function compiled without the GIL and cached under a digest of all sources of this folder (Numba does
not notice a change in another file that a cached function calls). An *operation* is a function whose body is the method
of its first argument, a spec: Python calls the method, Numba compiles the same method into the caller.
"""

import functools
import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.extending import overload

from frames.parse import compiler  # noqa: F401  before anything is compiled

# Reassociation lets LLVM vectorise sums (11x on a 784 x 200 forward pass). NaN and infinity stay honest: `nnan` and
# `ninf` are left out, or the checks against diverging weights would be compiled away.
FAST_MATH = {"reassoc", "contract", "nsz"}
# For formulas whose order of operations is their accuracy: `(x - n * high) - n * low` reassociated loses its last bits.
EXACT_MATH = {"contract"}
NO_WAY_IN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_kernels: list[Any] = []


def source_digest() -> str:
    """Return a digest (16 hex digits) of every source file below this folder and of Numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    home = Path(__file__).parent
    for path in sorted(home.rglob("*.py")):
        digest.update(path.relative_to(home).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path:
    """Return the folder that holds today's compiled kernels; `DASKDL_CACHE_DIR` moves its root.

    Falls back to the system's temporary folder, with a warning, where the root cannot be written.
    """
    root = os.environ.get("DASKDL_CACHE_DIR")
    home = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "daskdl"
    folder = home / "kernels" / source_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as cause:
        fallback = Path(tempfile.gettempdir()) / f"daskdl-{os.getuid()}" / "kernels" / source_digest()
        fallback.mkdir(parents=True, exist_ok=True, mode=0o700)
        warnings.warn(
            f"The kernel cache must be a writable folder; got {folder} ({cause.strerror}). "
            f"Using {fallback}; set DASKDL_CACHE_DIR to a writable folder to keep compiled kernels.",
            RuntimeWarning,
            stacklevel=2,
        )
        return fallback
    return folder


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` on first call: no GIL, restricted fast-math, cached on disk."""
    return _compiled(function, FAST_MATH)


def exact_kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` like a kernel, but keep the order in which its operations are written."""
    return _compiled(function, EXACT_MATH)


def part(function: Callable[..., Any]) -> Any:
    """Compile `function` like a kernel that only kernels call: without a way in from Python it compiles faster."""
    return _compiled(function, FAST_MATH, **NO_WAY_IN)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` like a part, into its callers: a bundle of arrays passed on costs hundreds of words."""
    return _compiled(function, FAST_MATH, forceinline=True, **NO_WAY_IN)


def _compiled(function: Callable[..., Any], fastmath: set[str], **options: bool) -> Any:
    """Compile, in the project's only `njit`; without counts of references, as kernels make no arrays."""
    if numba.config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        return function
    before = numba.config.CACHE_DIR  # pyright: ignore[reportAttributeAccessIssue]
    numba.config.CACHE_DIR = str(cache_folder())  # pyright: ignore[reportAttributeAccessIssue]
    try:
        compiled = numba.njit(nogil=True, cache=True, _nrt=False, fastmath=fastmath, error_model="numpy", **options)(
            function
        )
    finally:
        numba.config.CACHE_DIR = before  # pyright: ignore[reportAttributeAccessIssue]
    _kernels.append(compiled)
    return compiled


def in_kernels(function: Callable[..., Any], strict: bool = True) -> Callable[..., Any]:
    """Return the decorator of what kernels compile in place of `function`, under the rules of kernels."""
    return overload(function, strict=strict, jit_options={"_nrt": False, "fastmath": FAST_MATH, "error_model": "numpy"})


def operation(stub: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function `op(spec, ...)` that runs the method named like `stub` of `spec`, in Python and inside kernels.

    `stub` documents the interface. Where a spec's class has no such method the body of `stub` itself is the default.
    A function and not a method call, because Numba compiles no methods of named tuples.
    """
    name = stub.__name__

    @functools.wraps(stub)
    def call(spec: Any, *arguments: Any) -> Any:
        method = getattr(type(spec), name, stub)
        return method(spec, *arguments)

    @in_kernels(call, strict=False)
    def typed(spec: Any, *arguments: Any) -> Any:
        return getattr(spec.instance_class, name, stub)

    return call


def cache_misses() -> int:
    """Return how many kernel signatures this process had to compile because the disk cache did not hold them."""
    return sum(sum(k.stats.cache_misses.values()) for k in _kernels)


def compiled_signatures() -> dict[str, int]:
    """Return the number of signatures that each kernel holds in this process, by kernel name."""
    return {k.py_func.__name__: len(k.signatures) for k in _kernels}
