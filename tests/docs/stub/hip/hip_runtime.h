/* As much of HIP as the pages of docs/ show: for a compiler, not to run. */
#ifndef STUB_HIP_RUNTIME_H
#define STUB_HIP_RUNTIME_H

#include <stddef.h>

#define __global__ __attribute__((global))

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
typedef enum { hipSuccess = 0, hipErrorOutOfMemory = 2 } hipError_t;
typedef struct ihipStream_t *hipStream_t;
static const dim3 threadIdx, blockIdx, blockDim, gridDim;

extern "C" {
hipError_t hipMalloc(void **pointer, size_t size);
hipError_t hipFree(void *pointer);
hipError_t hipDeviceSynchronize();
hipError_t hipLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared, hipStream_t stream);
unsigned __hipPushCallConfiguration(dim3 grid, dim3 block, size_t shared = 0, hipStream_t stream = nullptr);
}

#endif
