//! Logs that MariaDB and squid wrote themselves (`tests/fixture/server_log/make`): every record is read.

use std::fs;
use std::path::Path;

use extract::limits::PROBE_BYTES;
use extract::order::Format;
use extract::record::{Probe, probe_format};

use super::said::records;

#[test]
fn every_record_of_the_logs_of_real_servers_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/server_log");
    // How many records; how many are without a shape (the lines with which MariaDB begins a log); how many carry no time of
    // their own: MariaDB writes the time of an entry where it is another second than that of the entry before. Under a window
    // those are undecided. In the slow query log it is `SET timestamp` that tells; the 60 without one are statements of the
    // script whose text goes on with a line that begins an entry: what stands there, nobody could tell apart.
    for (format, file, count, shapeless, timeless) in [
        (Format::MysqlGeneral, "mariadb-general.log", 432, 1, 367),
        (Format::MysqlSlow, "mariadb-slow.log", 307, 1, 60),
        (Format::Squid, "squid-access.log", 661, 0, 0),
    ] {
        let bytes = fs::read(folder.join(file)).unwrap();
        let head = &bytes[..bytes.len().min(PROBE_BYTES)];
        assert!(matches!(probe_format(head, false), Probe::One(row) if row.format() == format), "{file}");
        let seen = records(format, &bytes);
        let without = |what: &str| seen.iter().filter(|said| said.is_parsed && said.fields.starts_with(what)).count();
        let unread: Vec<_> =
            seen.iter().filter(|said| !said.is_parsed).map(|said| String::from_utf8_lossy(&said.bytes)).collect();
        let counts = (seen.len(), unread.len(), without("time lacks"), without("time ?"));
        assert_eq!(counts, (count, shapeless, timeless, 0), "{file}: {unread:?}");
        let joined: Vec<u8> = seen.iter().flat_map(|said| said.bytes.clone()).collect();
        assert_eq!(joined, bytes, "{file}");
    }
}
