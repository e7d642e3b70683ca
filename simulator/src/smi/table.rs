//! The release's struct layouts, looked up once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::context::{lock, Context};
use crate::facts::Layout;

type Known = HashMap<&'static str, Option<Arc<Layout>>>;

/// The layout of a struct in the release that this library stands for.
pub fn layout(cx: &Context, name: &'static str) -> Option<Arc<Layout>> {
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let mut known = lock(&KNOWN);
    known.get_or_insert_with(HashMap::new).entry(name).or_insert_with(|| cx.release.layout(name).map(Arc::new)).clone()
}
