"""AMD's own binding of roctx (rocm-bindings-systems from PyPI), used as its users do."""
import time

from rocm.bindings import roctx

(first,) = roctx.roctxRangeStartA("first")
(pushed,) = roctx.roctxRangePushA("outer")
time.sleep(0.03)
roctx.roctxRangePushA("inner")
time.sleep(0.04)
(second,) = roctx.roctxRangeStartA("second")
roctx.roctxRangeStop(first)
roctx.roctxRangePop()
(popped,) = roctx.roctxRangePop()
roctx.roctxMarkA("here")
roctx.roctxRangeStop(second)
print(roctx.roctx_version_major()[0], pushed, popped)
