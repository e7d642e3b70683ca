"""As much of PyTorch as the pages of docs/ show. Its GPU is done when synchronize() returns."""

import time


class Tensor:
    T = property(lambda self: self)

    def __matmul__(self, other):
        return self

    def __truediv__(self, number):
        return self


class cuda:
    @staticmethod
    def synchronize():
        time.sleep(0.1)


def ones(*shape, device):
    assert device == "cuda"
    return Tensor()
