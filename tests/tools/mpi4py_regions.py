"""mpi4py lets the levels 0, 1 and 2 of MPI_Pcontrol through: 1 and 2 begin a region, 0 ends both."""
import os
import time

from mpi4py import MPI

MPI.Pcontrol(1)
time.sleep(0.02)
MPI.Pcontrol(0)
MPI.Pcontrol(2)
time.sleep(0.02)
MPI.Pcontrol(1)
time.sleep(0.02)
MPI.Pcontrol(0)
# In one piece: print may write a line in several, between which the other rank writes its own.
os.write(1, f"{MPI.COMM_WORLD.rank} {MPI.COMM_WORLD.size}\n".encode())
