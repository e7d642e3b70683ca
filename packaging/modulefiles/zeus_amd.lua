-- Lmod. It lies in PREFIX/share/zeus_amd/modulefiles/zeus_amd/VERSION.lua: `module use` that folder's parent, or copy this file and set
-- root to PREFIX.
local root = myFileName():gsub("/share/zeus_amd/modulefiles/.*$", "")
-- A folder may be given from the root on.
local function at(folder)
    return folder:sub(1, 1) == "/" and folder or pathJoin(root, folder)
end

help("zeus_amd: power and energy of AMD GPUs. zeus-amd-run measures a command; man zeus_amd.")
whatis("Name: zeus_amd")
whatis("Description: Power and energy of AMD GPUs behind a stable C ABI")
conflict("zeus_amd")

setenv("ZEUS_AMD_HOME", root)
prepend_path("PATH", at("@CMAKE_INSTALL_BINDIR@"))
prepend_path("LD_LIBRARY_PATH", at("@CMAKE_INSTALL_LIBDIR@"))
prepend_path("LIBRARY_PATH", at("@CMAKE_INSTALL_LIBDIR@"))
prepend_path("CPATH", at("@CMAKE_INSTALL_INCLUDEDIR@"))
prepend_path("PKG_CONFIG_PATH", at("@CMAKE_INSTALL_LIBDIR@/pkgconfig"))
prepend_path("CMAKE_PREFIX_PATH", root)
-- What is empty stands for the system's.
prepend_path("MANPATH", at("@CMAKE_INSTALL_MANDIR@"))
append_path("MANPATH", "")
prepend_path("PYTHONPATH", at("@CMAKE_INSTALL_LIBDIR@/zeus_amd/python"))
