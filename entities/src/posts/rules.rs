//! What makes the texts of posts and comments valid, without I/O. Texts are kept as they were written; lengths are in
//! characters.

use super::PostCommand;
use crate::Violations;

/// Comments that a post can get, at most, also counting those that were removed: what a command has to fold is bounded.
pub(super) const COMMENTS: i64 = 10_000;
const MESSAGE_CHARS: usize = 10_000;
const COMMENT_CHARS: usize = 2_000;

/// Whether the texts that a command brings are valid.
pub(super) fn check(command: &PostCommand) -> Result<(), Violations> {
    match command {
        PostCommand::Create { message } | PostCommand::EditMessage { message } => {
            let expectation = "must have 1 to 10,000 characters that are not all blank";
            check_text("message", message, MESSAGE_CHARS, expectation)
        }
        PostCommand::AddComment { text, .. } | PostCommand::EditComment { text, .. } => {
            let expectation = "must have 1 to 2,000 characters that are not all blank";
            check_text("text", text, COMMENT_CHARS, expectation)
        }
        PostCommand::Like
        | PostCommand::Unlike
        | PostCommand::RemoveComment { .. }
        | PostCommand::Delete => Ok(()),
    }
}

fn check_text(field: &str, text: &str, most: usize, expectation: &str) -> Result<(), Violations> {
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(Violations::one(field, "length", expectation));
    }
    let is_allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    if !text.chars().all(is_allowed) {
        let message = "must not contain control characters other than line breaks and tabs";
        return Err(Violations::one(field, "characters", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn violated(command: &PostCommand) -> Option<String> {
        let Violations(list) = check(command).err()?;
        let [violation] = list.as_slice() else {
            panic!("one violation: {list:?}");
        };
        Some(format!("{}:{}", violation.field, violation.code))
    }

    #[test]
    fn texts_have_limits() {
        let message = |message: String| PostCommand::EditMessage { message };
        let comment = |text: String| PostCommand::AddComment {
            comment_id: Uuid::nil(),
            text,
        };
        assert_eq!(violated(&message("é".repeat(10_000))), None);
        let too_long = violated(&message("é".repeat(10_001)));
        assert_eq!(too_long.as_deref(), Some("message:length"));
        assert_eq!(violated(&comment("é".repeat(2_000))), None);
        let too_long = violated(&comment("é".repeat(2_001)));
        assert_eq!(too_long.as_deref(), Some("text:length"));
        let blank = violated(&message(" \n\t".to_owned()));
        assert_eq!(blank.as_deref(), Some("message:length"));
        assert_eq!(violated(&comment("one\r\n\ttwo".to_owned())), None);
        let control = violated(&comment("bell\u{7}".to_owned()));
        assert_eq!(control.as_deref(), Some("text:characters"));
    }
}
