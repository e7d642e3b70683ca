//! Every change is read back.

use std::time::Duration;

/// The driver applies a setting before the write returns; these are waits for a driver that does not.
const READBACK_DELAYS_MS: [u64; 4] = [1, 10, 40, 100];

/// Reads back until `is_done`, or until a driver that does is done long since; the last value.
pub fn read_back<T>(read: impl Fn() -> T, is_done: impl Fn(&T) -> bool) -> T {
    read_back_with(|ms| std::thread::sleep(Duration::from_millis(ms)), read, is_done)
}

pub fn read_back_with<T>(pause_ms: impl Fn(u64), read: impl Fn() -> T, is_done: impl Fn(&T) -> bool) -> T {
    let mut value = read();
    for pause in READBACK_DELAYS_MS {
        if is_done(&value) {
            break;
        }
        pause_ms(pause);
        value = read();
    }
    value
}
