//! Somebody else's Rust: threads, strings, a panic that it catches itself.

use std::ffi::c_int;

/// # Safety
/// `count` integers at `values`.
#[no_mangle]
pub unsafe extern "C" fn second_sum(values: *const i32, count: usize) -> i32 {
    let values = unsafe { std::slice::from_raw_parts(values, count) }.to_vec();
    std::thread::spawn(move || values.iter().map(|v| v.to_string().parse::<i32>().unwrap()).sum()).join().unwrap()
}

#[no_mangle]
pub extern "C" fn second_panics() -> c_int {
    std::panic::set_hook(Box::new(|_| {}));
    std::panic::catch_unwind(|| std::hint::black_box(Vec::<c_int>::new())[3]).unwrap_or(7)
}
