//! Tests that call a simulated library as a program would: each starts its machine and runs itself again inside.

#![allow(dead_code)] // every test file uses a part of it

use std::ffi::{c_char, c_void, CString};
use std::process::Stdio;

use zeus_amd_sim::Sim;

/// Runs `body` inside a machine, in a process of its own.
pub fn inside(machine: &str, rocm: &str, with: &[&str], body: impl FnOnce(&Lib)) {
    let out = output(machine, rocm, with, body);
    assert!(out.status.success(), "{machine} with ROCm {rocm} {with:?}:\n{}", text(&out));
}

/// The same for a body that may end its process.
pub fn output(machine: &str, rocm: &str, with: &[&str], body: impl FnOnce(&Lib)) -> std::process::Output {
    if std::env::var("SIM_TEST").is_ok_and(|m| m == key(machine, rocm, with)) {
        body(&Lib::open());
        std::process::exit(0);
    }
    if std::env::var_os("SIM_TEST").is_some() {
        // An earlier machine of the same test.
        return ended_well();
    }
    let sim = Sim::start(machine, rocm, with).unwrap();
    let name = std::thread::current().name().unwrap().to_string();
    let me = std::env::current_exe().unwrap();
    let mut command = sim.command(me);
    command.args(["--exact", &name, "--nocapture", "--test-threads", "1"]);
    command.env("SIM_TEST", key(machine, rocm, with)).stdin(Stdio::null()).output().unwrap()
}

fn key(machine: &str, rocm: &str, with: &[&str]) -> String {
    format!("{machine} {rocm} {with:?}")
}

fn ended_well() -> std::process::Output {
    std::process::Command::new("true").output().unwrap()
}

pub fn text(out: &std::process::Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// An open libamd_smi.
pub struct Lib(*mut c_void);

// Handles of dlopen may be used by all threads.
unsafe impl Sync for Lib {}

pub type Handle = *mut c_void;

impl Lib {
    fn open() -> Lib {
        let path = CString::new(std::env::var("ROCM_PATH").unwrap() + "/lib/libamd_smi.so").unwrap();
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null(), "{path:?} does not open");
        Lib(handle)
    }

    pub fn has(&self, name: &str) -> bool {
        !self.symbol(name).is_null()
    }

    fn symbol(&self, name: &str) -> *mut c_void {
        let name = CString::new(name).unwrap();
        unsafe { libc::dlsym(self.0, name.as_ptr()) }
    }

    /// A function of the type that the caller says it has.
    pub fn get<F: Copy>(&self, name: &str) -> F {
        let p = self.symbol(name);
        assert!(!p.is_null(), "{name} is missing");
        assert_eq!(std::mem::size_of::<F>(), std::mem::size_of::<*mut c_void>());
        unsafe { std::mem::transmute_copy(&p) }
    }

    pub fn init(&self) -> u32 {
        self.get::<extern "C" fn(u64) -> u32>("amdsmi_init")(2)
    }

    pub fn shut_down(&self) -> u32 {
        self.get::<extern "C" fn() -> u32>("amdsmi_shut_down")()
    }

    pub fn sockets(&self) -> Vec<Handle> {
        let f: extern "C" fn(*mut u32, *mut Handle) -> u32 = self.get("amdsmi_get_socket_handles");
        let mut n = 0;
        assert_eq!(f(&mut n, std::ptr::null_mut()), 0);
        let mut all = vec![std::ptr::null_mut(); n as usize];
        assert_eq!(f(&mut n, all.as_mut_ptr()), 0);
        all
    }

    pub fn socket_name(&self, socket: Handle) -> String {
        let f: extern "C" fn(Handle, usize, *mut c_char) -> u32 = self.get("amdsmi_get_socket_info");
        let mut name = [0u8; 64];
        assert_eq!(f(socket, name.len(), name.as_mut_ptr().cast()), 0);
        let end = name.iter().position(|b| *b == 0).unwrap();
        String::from_utf8(name[..end].to_vec()).unwrap()
    }

    pub fn on(&self, socket: Handle) -> Vec<Handle> {
        let f: extern "C" fn(Handle, *mut u32, *mut Handle) -> u32 = self.get("amdsmi_get_processor_handles");
        let mut n = 0;
        assert_eq!(f(socket, &mut n, std::ptr::null_mut()), 0);
        let mut all = vec![std::ptr::null_mut(); n as usize];
        assert_eq!(f(socket, &mut n, all.as_mut_ptr()), 0);
        all
    }

    /// init and all processor handles.
    pub fn handles(&self) -> Vec<Handle> {
        assert_eq!(self.init(), 0);
        self.sockets().into_iter().flat_map(|s| self.on(s)).collect()
    }

    /// Status, counter and time.
    pub fn energy(&self, h: Handle) -> (u32, u64, u64) {
        let f: extern "C" fn(Handle, *mut u64, *mut f32, *mut u64) -> u32 = self.get("amdsmi_get_energy_count");
        let (mut count, mut resolution, mut time) = (7, 0.0, 7);
        let status = f(h, &mut count, &mut resolution, &mut time);
        assert!(status != 0 || resolution == 15.3);
        (status, count, time)
    }

    /// A struct-filling call on a buffer of 0xA5: status and what is in the buffer then.
    pub fn fill(&self, function: &str, h: Handle) -> (u32, Vec<u8>) {
        let mut buffer = vec![0xA5u8; 16384];
        let f: extern "C" fn(Handle, *mut u8) -> u32 = self.get(function);
        (f(h, buffer.as_mut_ptr()), buffer)
    }

    /// The same for a call with a number between handle and struct.
    pub fn fill_with(&self, function: &str, h: Handle, number: u32) -> (u32, Vec<u8>) {
        let mut buffer = vec![0xA5u8; 16384];
        let f: extern "C" fn(Handle, u32, *mut u8) -> u32 = self.get(function);
        (f(h, number, buffer.as_mut_ptr()), buffer)
    }

    pub fn temperature(&self, h: Handle, sensor: u32, before: i64) -> (u32, i64) {
        let f: extern "C" fn(Handle, u32, u32, *mut i64) -> u32 = self.get("amdsmi_get_temp_metric");
        let mut t = before;
        (f(h, sensor, 0, &mut t), t)
    }
}

/// The index after the last byte that is not 0xA5.
pub fn touched(buffer: &[u8]) -> usize {
    buffer.iter().rposition(|b| *b != 0xA5).map_or(0, |i| i + 1)
}

pub fn u32_at(buffer: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(buffer[at..at + 4].try_into().unwrap())
}

pub fn u64_at(buffer: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(buffer[at..at + 8].try_into().unwrap())
}
