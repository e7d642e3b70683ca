# SPDX-License-Identifier: Apache-2.0
"""Measures and controls the power and energy of AMD GPUs.

    import zeus_amd

    with zeus_amd.Session() as z, z.window() as w:
        work()
    print(w.total.energy_mj / 1e3, "J, off by at most", w.total.uncertainty_mj / 1e3)

Names, units and meanings are those of zeus_amd.h, which documents each. A GPU index is HIP's, PyTorch's cuda:N. Any thread
may call any method, and other Python threads run during a call. After a fork the child opens its own session;
zeus_amd.window() does so automatically.

The library is $ZEUS_AMD_LIBRARY, or the one beside this file, or the one that the dynamic loader finds.
"""

from __future__ import annotations

import os
import threading
from typing import Optional

from ._library import *
from ._library import __version__
from ._numbers import *
from ._session import *
from ._structs import *

# The default session: opened when it is first needed, once per process unless it is closed.

_default: Optional[Session] = None
_default_lock = threading.Lock()


def _after_fork() -> None:
    global _default, _default_lock
    _default, _default_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def session() -> Session:
    """The session of this process, with the default options; a new one where it was closed."""
    global _default
    with _default_lock:
        if _default is None or not _default._h:
            _default = Session()
        return _default


def window() -> Window:
    """`with zeus_amd.window() as w: ...`, then `w.total.energy_mj`: over all GPUs of this process."""
    return session().window()
