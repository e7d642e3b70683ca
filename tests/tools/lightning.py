"""PennyLane's simulator of quantum circuits from PyPI, which has a Kokkos of its own: 80 gates of one wire, 75 of two."""
import lightning_kokkos_ops as lightning

lightning.kokkos_initialize()
print(lightning.print_configuration())
state = lightning.StateVectorC128(16)
for _ in range(5):
    for wire in range(16):
        state.Hadamard([wire], False, [])
    for wire in range(15):
        state.CNOT([wire, wire + 1], False, [])
print(lightning.MeasurementsC128(state).probs([0]))
