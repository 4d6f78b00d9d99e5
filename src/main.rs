//! The `extract` command.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    extract::cli::main(std::env::args_os())
}
