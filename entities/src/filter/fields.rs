//! The fields that a list can be filtered by, as a domain describes them with `filter_fields!`.

use sea_orm::{Value, sea_query::Expr};

/// A field that a list is filtered by.
pub trait FilterField: Copy + PartialEq + Send + Sync + 'static {
    /// The field that says when a row came to its end, as by a deletion. Such rows are left out, unless the filter asks about it.
    const ENDED: Option<Self>;

    /// Returns what is compared in place of the field.
    fn column(self) -> Expr;
    /// Returns whether a row may have no value.
    fn is_nullable(self) -> bool;
    /// Returns a text in the form in which it is compared.
    fn form(self, text: &str) -> String;
    /// Returns the kind of the ids in this field. Without one, it has texts.
    fn kind(self) -> Option<&'static str>;
    /// Returns the condition that the field is one of these, or has one of them where its values are in another table.
    fn is_one_of(self, values: Vec<Value>) -> Expr;
}

/// Writes the enum of the fields that a list can be filtered by. The column of a field is the one of its name. `=>` gives others, of
/// which the first that is not null is compared, and the function that brings a text into their form. `of` gives the kind of ids, `as`
/// the condition that a row has one of several in another table, and `=` a function for what no column has and no row lacks.
macro_rules! filter_fields {
    (
        $(#[$doc:meta])*
        $name:ident of $column:ident $(until $ended:ident)? {
            $($field:ident $(of $kind:ty)? $(as $has:path)? $(=> [$($key:ident),+] by $form:path)? $(= $made:path)?),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the fields have the names of the columns")]
        pub enum $name {
            $($field),+
        }

        impl $crate::filter::FilterField for $name {
            const ENDED: Option<Self> = $crate::filter::filter_fields!(@first $(Some(Self::$ended),)? None);

            fn column(self) -> sea_orm::sea_query::Expr {
                match self {
                    $(Self::$field => $crate::filter::filter_fields!(
                        @column $column $field $([$($key)+])? $(= $made)?
                    ),)+
                }
            }

            fn is_nullable(self) -> bool {
                match self {
                    $(Self::$field => $crate::filter::filter_fields!(
                        @nullable $column $field $([$($key)+])? $(= $made)?
                    ),)+
                }
            }

            fn form(self, text: &str) -> String {
                match self {
                    $($(Self::$field => $form(text),)?)+
                    _ => text.to_owned(),
                }
            }

            fn kind(self) -> Option<&'static str> {
                match self {
                    $($(Self::$field => Some(<$kind>::KIND),)?)+
                    _ => None,
                }
            }

            fn is_one_of(self, values: Vec<sea_orm::Value>) -> sea_orm::sea_query::Expr {
                match self {
                    $($(Self::$field => $has(values),)?)+
                    _ => sea_orm::sea_query::ExprTrait::is_in($crate::filter::FilterField::column(self), values),
                }
            }
        }
    };
    (@first $first:expr $(, $more:expr)*) => { $first };
    (@column $column:ident $field:ident) => { $crate::filter::first_of(&[$column::$field]) };
    (@column $column:ident $field:ident [$($key:ident)+]) => { $crate::filter::first_of(&[$($column::$key),+]) };
    (@column $column:ident $field:ident = $made:path) => { $made() };
    (@nullable $column:ident $field:ident) => { $crate::filter::are_nullable(&[$column::$field]) };
    (@nullable $column:ident $field:ident [$($key:ident)+]) => { $crate::filter::are_nullable(&[$($column::$key),+]) };
    (@nullable $column:ident $field:ident = $made:path) => { false };
}
pub(crate) use filter_fields;

/// Returns the first of the columns that is not null.
pub(crate) fn first_of<C: sea_orm::ColumnTrait>(columns: &[C]) -> Expr {
    match columns {
        [column] => Expr::col(*column),
        columns => {
            let columns = columns.iter().map(|column| Expr::col(*column));
            sea_orm::sea_query::Func::coalesce(columns).into()
        }
    }
}

/// Returns whether all of the columns may be null.
pub(crate) fn are_nullable<C: sea_orm::ColumnTrait>(columns: &[C]) -> bool {
    columns.iter().all(|column| column.def().is_null())
}
