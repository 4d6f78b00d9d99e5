//! Text logs whose lines carry a full date: what each kind of line says, what nobody may make it say, and how much of the
//! real logs of `../shared/corpora` is read.

#[path = "log_formats/auditd.rs"]
mod auditd;
#[path = "log_formats/corpus.rs"]
mod corpus;
#[path = "log_formats/exim.rs"]
mod exim;
#[path = "log_formats/mysql.rs"]
mod mysql;
#[path = "log_formats/postgresql.rs"]
mod postgresql;
#[path = "log_formats/proxy.rs"]
mod proxy;
#[path = "log_formats/run.rs"]
mod run;
#[path = "log_formats/said.rs"]
mod said;
#[path = "log_formats/sample.rs"]
mod sample;
#[path = "log_formats/server.rs"]
mod server;
