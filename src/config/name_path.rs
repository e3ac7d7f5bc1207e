//! A table's name as a path of three folders, and back. Pure.

use percent_encoding::percent_decode_str;

use super::TableName;

impl TableName {
    /// Where its replica lies under the secondary's sync location, as the name is spelled: `<catalog>/<schema>/<table>`.
    ///
    /// Every byte outside `A-Z a-z 0-9 _ - .` is `%XX`, as are a leading `_` or `.`; the result is taken literally.
    pub fn path(&self) -> String {
        let TableName { catalog, schema, table } = self;
        [catalog, schema, table].map(|part| path_part(part)).join("/")
    }

    /// Whether a path is that of the name in this spelling, or in one with letters of another case.
    pub fn has_path(&self, path: &str) -> bool {
        if self.path() == path {
            return true;
        }
        let mut parts = path.split('/').map(decoded);
        let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
        let [Some(Some(catalog)), Some(Some(schema)), Some(Some(table)), None] = parts else {
            return false;
        };
        let spelled = TableName::new(catalog, schema, table);
        // There is one path a spelling: no other text that decodes to it is one.
        spelled == *self && spelled.path() == path
    }
}

fn path_part(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for (at, byte) in part.bytes().enumerate() {
        let plain = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => true,
            b'_' | b'.' => at > 0,
            _ => false,
        };
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decoded(part: &str) -> Option<String> {
    let text = percent_decode_str(part).decode_utf8().ok()?;
    Some(text.into_owned())
}
