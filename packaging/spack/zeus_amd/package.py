# Spack builds from source: `spack repo create` a repository, and put this folder into its packages/. Only its syntax has been checked, not
# Spack's opinion of it. A release's url and sum come with the release; `spack dev-build zeus-amd@main` builds this tree.
from spack.package import *


class ZeusAmd(CMakePackage):
    """Power and energy of AMD GPUs behind a stable C ABI: a library for C, C++, Fortran and Python, zeus-amd-run, which reports
    the energy of a command, and a simulated machine for tests without a GPU."""

    homepage = "https://ml.energy/zeus"

    license("Apache-2.0", checked_by="zeus_amd")

    version("main")

    variant("mpi", default=False, description="libzeus_amd_pmpi.so, the profiler, for this MPI")
    variant("simulator", default=False, description="zeus-amd-sim, a simulated machine with AMD GPUs")

    depends_on("c", type="build")
    depends_on("cmake@3.16:", type="build")
    depends_on("rust@1.77:", type="build")
    depends_on("rust@1.85:", type="build", when="+simulator")
    depends_on("binutils", type="build")
    depends_on("python@3.8:", type=("build", "run"))
    depends_on("mpi", when="+mpi")

    def cmake_args(self):
        return [
            # Some systems have lib64; PYTHONPATH below names this one.
            self.define("CMAKE_INSTALL_LIBDIR", "lib"),
            self.define("ZEUS_AMD_EXAMPLES", False),
            self.define("ZEUS_AMD_MPI", "ON" if self.spec.satisfies("+mpi") else "OFF"),
            self.define_from_variant("ZEUS_AMD_SIMULATOR", "simulator"),
        ]

    def setup_run_environment(self, env):
        env.prepend_path("PYTHONPATH", join_path(self.prefix.lib, "zeus_amd", "python"))
        env.set("ZEUS_AMD_HOME", self.prefix)
