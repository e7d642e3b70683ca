# SPDX-License-Identifier: Apache-2.0
"""Where ZEUS_AMD_FOR_ZEUS=1, zeus_amd.pth imports this at the start of Python: zeus_amd.zeus is then imported as soon as a
program imports Zeus's layer of GPUs, and nothing is before."""

import importlib.abc
import importlib.machinery
import sys


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        import zeus_amd.zeus


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "zeus.device.gpu":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


sys.meta_path.insert(0, _Finder())
