//! The command line.

use std::path::PathBuf;

#[derive(Default)]
pub struct Options {
    pub verb: String,
    pub machine: Option<String>,
    pub rocm: Option<String>,
    pub with: Vec<String>,
    pub dir: Option<PathBuf>,
    pub keep: bool,
    /// Words without a dash.
    pub rest: Vec<String>,
    /// What comes after `--`.
    pub command: Vec<String>,
}

impl Options {
    pub fn parse(args: &[String]) -> Result<Options, String> {
        let mut o = Options { verb: "run".to_string(), ..Default::default() };
        let mut args = args.iter();
        let mut first = true;
        while let Some(a) = args.next() {
            let mut value = || args.next().cloned().ok_or_else(|| format!("{a} needs a value"));
            match a.as_str() {
                "--" => {
                    o.command = args.cloned().collect();
                    break;
                }
                "--machine" => o.machine = Some(value()?),
                "--rocm" => o.rocm = Some(value()?),
                "--with" => o.with.push(value()?),
                "--dir" => o.dir = Some(value()?.into()),
                "--keep" => o.keep = true,
                "-h" | "--help" => o.verb = "help".to_string(),
                s if s.starts_with('-') => return Err(format!("unknown option {s}")),
                s if first => o.verb = s.to_string(),
                s => o.rest.push(s.to_string()),
            }
            first = false;
        }
        Ok(o)
    }
}
