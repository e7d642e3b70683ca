//! The C functions of libamd_smi, with their prototypes. The only declarations of foreign functions in this crate.

use std::ffi::{c_char, c_void};

pub(super) type Ptr = *mut c_void;

/// A function that takes a processor handle and fills a struct.
pub(super) type StructFunction = unsafe extern "C" fn(Ptr, Ptr) -> u32;

macro_rules! table {
    (required { $($req:ident: $req_sym:literal ($($req_arg:ty),*);)* }
     optional { $($opt:ident: $opt_sym:literal ($($opt_arg:ty),*);)* }) => {
        /// The functions of the library that are used here.
        pub(super) struct SymbolTable {
            $(pub $req: unsafe extern "C" fn($($req_arg),*) -> u32,)*
            $(pub $opt: Option<unsafe extern "C" fn($($opt_arg),*) -> u32>,)*
        }

        impl SymbolTable {
            /// Resolves all functions. Returns the names of missing required ones as the error.
            pub fn load(library: &libloading::os::unix::Library) -> Result<SymbolTable, String> {
                let mut missing = Vec::new();
                $(
                    // SAFETY: the type is the prototype of this function in every release's amdsmi.h.
                    let $req = unsafe {
                        library.get::<unsafe extern "C" fn($($req_arg),*) -> u32>($req_sym.as_bytes())
                    };
                    if $req.is_err() {
                        missing.push($req_sym);
                    }
                )*
                match ($($req,)*) {
                    ($(Ok($req),)*) => Ok(SymbolTable {
                        $($req: *$req,)*
                        // SAFETY: as above.
                        $($opt: unsafe {
                            library.get::<unsafe extern "C" fn($($opt_arg),*) -> u32>($opt_sym.as_bytes())
                        }.ok().map(|s| *s),)*
                    }),
                    _ => Err(missing.join(", ")),
                }
            }
        }
    };
}

table! {
    required {
        init: "amdsmi_init" (u64);
        get_lib_version: "amdsmi_get_lib_version" (Ptr);
        get_socket_handles: "amdsmi_get_socket_handles" (*mut u32, *mut Ptr);
        get_processor_handles: "amdsmi_get_processor_handles" (Ptr, *mut u32, *mut Ptr);
        get_bdf_id: "amdsmi_get_gpu_bdf_id" (Ptr, *mut u64);
    }
    optional {
        shut_down: "amdsmi_shut_down" ();
        status_code_to_string: "amdsmi_status_code_to_string" (u32, *mut *const c_char);
        get_processor_type: "amdsmi_get_processor_type" (Ptr, *mut u32);
        get_asic_info: "amdsmi_get_gpu_asic_info" (Ptr, Ptr);
        get_kfd_info: "amdsmi_get_gpu_kfd_info" (Ptr, Ptr);
        get_enumeration_info: "amdsmi_get_gpu_enumeration_info" (Ptr, Ptr);
        get_power_info: "amdsmi_get_power_info" (Ptr, Ptr);
        get_power_cap_info: "amdsmi_get_power_cap_info" (Ptr, u32, Ptr);
        set_power_cap: "amdsmi_set_power_cap" (Ptr, u32, u64);
        get_energy_count: "amdsmi_get_energy_count" (Ptr, *mut u64, *mut f32, *mut u64);
        get_temp_metric: "amdsmi_get_temp_metric" (Ptr, u32, u32, *mut i64);
        get_clock_info: "amdsmi_get_clock_info" (Ptr, u32, Ptr);
        set_clk_limit: "amdsmi_set_gpu_clk_limit" (Ptr, u32, u32, u64);
        set_clk_range: "amdsmi_set_gpu_clk_range" (Ptr, u64, u64, u32);
        set_perf_level: "amdsmi_set_gpu_perf_level" (Ptr, u32);
    }
}
