//! The tables that a dump has made so far, and under which names.
//!
//! **Invariant:** a table's name says its schema and database where the dump says them; columns that may have changed are
//! forgotten.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Dialect;
use crate::limits::SQL_CATALOG_BYTES;

/// What a name costs beside its letters.
const NAME_BYTES: usize = 64;

/// The columns of a table, in their order.
pub(super) type Columns = Rc<[Column]>;

/// A column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// The server makes its value of the others: a dump holds `DEFAULT` for it, or nothing.
    pub(super) is_generated: bool,
    /// MySQL's `TIMESTAMP`: an instant, which the dump writes in the zone that it sets.
    pub(super) is_timestamp: bool,
}

impl Column {
    pub(super) fn plain(name: String) -> Self {
        Self { name, is_generated: false, is_timestamp: false }
    }
}

/// Tables and their columns, and where unqualified names are.
pub(super) struct Catalog {
    dialect: Dialect,
    tables: HashMap<String, Columns>,
    /// What they take of memory.
    bytes: usize,
    database: Option<String>,
    schema: Option<String>,
}

impl Catalog {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, tables: HashMap::new(), bytes: 0, database: None, schema: None }
    }

    /// The dump goes on in that database.
    pub(super) fn connect(&mut self, database: Option<String>) {
        self.database = database;
        self.schema = None;
        self.forget_all();
    }

    /// Names without a schema are in that one.
    pub(super) fn search(&mut self, schema: Option<String>) {
        self.schema = schema.filter(|name| !name.is_empty() && name != "$user");
    }

    /// The whole name of a table.
    pub(super) fn name(&self, parts: &[String]) -> String {
        let whole = if self.dialect == Dialect::Mysql { 2 } else { 3 };
        let schema = self.schema.as_ref().filter(|_| parts.len() == 1);
        let database = self.database.as_ref().filter(|_| parts.len() < whole);
        let all = database.into_iter().chain(schema).chain(parts);
        all.map(|part| written(part)).collect::<Vec<_>>().join(".")
    }

    pub(super) fn columns(&self, table: &str) -> Option<Columns> {
        self.tables.get(table).cloned()
    }

    /// The columns that a statement names, with what is known of each as the table was made.
    pub(super) fn typed(&self, table: &str, mut names: Columns) -> Columns {
        let instants =
            self.tables.get(table).map_or(&[][..], |known| known).iter().filter(|column| column.is_timestamp);
        let instants: HashSet<&str> = instants.map(|column| column.name.as_str()).collect();
        if !instants.is_empty() {
            for column in Rc::make_mut(&mut names) {
                column.is_timestamp = instants.contains(column.name.as_str());
            }
        }
        names
    }

    /// A table was made; one too many is not remembered.
    pub(super) fn put(&mut self, table: String, columns: Vec<Column>) {
        self.forget(&table);
        let cost = cost(&table, &columns);
        if cost <= SQL_CATALOG_BYTES.saturating_sub(self.bytes) {
            self.bytes += cost;
            self.tables.insert(table, columns.into());
        }
    }

    pub(super) fn forget(&mut self, table: &str) {
        if let Some(columns) = self.tables.remove(table) {
            self.bytes = self.bytes.saturating_sub(cost(table, &columns));
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.tables.clear();
        self.bytes = 0;
    }
}

fn cost(table: &str, columns: &[Column]) -> usize {
    let names = columns.iter().map(|column| column.name.as_str()).chain([table]);
    names.fold(0usize, |sum, name| sum.saturating_add(name.len() + NAME_BYTES))
}

/// A part of a name that holds a full stop or a double quote stands in double quotes, so that two names are never one.
fn written(part: &str) -> String {
    if part.contains(['.', '"']) { format!("\"{}\"", part.replace('"', "\"\"")) } else { part.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_database_and_its_schema_where_they_are_known() {
        for (dialect, database, schema, parts, expected) in [
            (Dialect::Mysql, None, None, &["Customer"][..], "Customer"),
            (Dialect::Mysql, Some("shop"), None, &["Customer"], "shop.Customer"),
            (Dialect::Mysql, Some("shop"), None, &["other", "Customer"], "other.Customer"),
            (Dialect::Mysql, None, None, &["a.b"], "\"a.b\""),
            (Dialect::Mysql, None, None, &["a\"b", "c"], "\"a\"\"b\".c"),
            (Dialect::Postgresql, None, None, &["public", "customer"], "public.customer"),
            (Dialect::Postgresql, None, Some("tenant1"), &["customer"], "tenant1.customer"),
            (Dialect::Postgresql, Some("shop"), Some("tenant1"), &["customer"], "shop.tenant1.customer"),
            (Dialect::Postgresql, Some("shop"), Some("tenant1"), &["public", "customer"], "shop.public.customer"),
            (Dialect::Postgresql, Some("shop"), None, &["db", "public", "customer"], "db.public.customer"),
            (Dialect::Postgresql, None, Some(""), &["customer"], "customer"),
        ] {
            let mut catalog = Catalog::new(dialect);
            catalog.connect(database.map(str::to_owned));
            catalog.search(schema.map(str::to_owned));
            let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            assert_eq!(catalog.name(&parts), expected);
        }
    }

    #[test]
    fn a_table_too_many_is_not_remembered_and_the_others_are() {
        let mut catalog = Catalog::new(Dialect::Mysql);
        let long = "c".repeat(1024);
        let count = SQL_CATALOG_BYTES / 1024 + 10;
        for at in 0..count {
            catalog.put(format!("t{at}"), vec![Column::plain(long.clone())]);
        }
        assert!(catalog.columns("t0").is_some());
        assert!(catalog.columns(&format!("t{}", count - 1)).is_none());
        assert!(catalog.bytes <= SQL_CATALOG_BYTES);
        catalog.forget("t0");
        catalog.put("new".to_owned(), vec![Column::plain("a".to_owned())]);
        assert!(catalog.columns("new").is_some());
    }
}
