//! The inputs of records: what creates one, and what updates one. They have the same fields with the same rules, so a domain says
//! each of them once, in a table, of which `inputs!` makes both types and what the commands do with them.

use crate::text::Fields;

/// What the commands do with the inputs of a record.
pub trait Inputs {
    /// The input of the command that creates a record.
    type New: Clone + Send + Sync + 'static;
    /// The input of the command that updates a record. A field that is `None` keeps its value.
    type Update: Clone + Send + Sync + 'static;

    /// Returns the record that the input describes, without its head and its derived fields.
    fn create(new: Self::New) -> Self;
    /// Sets the fields that the update gives.
    fn apply(&mut self, update: Self::Update);
    /// Brings the input into the form in which it is stored, and notes its flaws.
    fn check_new(new: &mut Self::New, fields: &mut Fields);
    /// Does the same for an update.
    fn check_update(update: &mut Self::Update, fields: &mut Fields);
}

/// Writes the two inputs of a record, and `Inputs` for it. A line has a field, its type, and the rule that it has to keep, if there is
/// one. `as` gives the name of the field in messages, if that differs. `clears` names a field of the record that is no longer right
/// when the value changes. A value with fields of its own names what checks them behind `by`, and if the record has no field of that
/// name and type, `via` names what sets it.
macro_rules! inputs {
    (
        $record:ident:
        $(#[$new_doc:meta])* $new:ident,
        $(#[$update_doc:meta])* $update:ident {
            $(
                $(#[$doc:meta])*
                $field:ident: $type:ty $(as $name:literal)? $(=> $rule:path)? $(, by $check:path)? $(, via $setter:path)?
                $(, clears $stale:ident)?;
            )+
        }
    ) => {
        $(#[$new_doc])*
        #[derive(Debug, Clone)]
        pub struct $new {
            $($(#[$doc])* pub $field: $type,)+
        }

        $(#[$update_doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $update {
            $($(#[$doc])* pub $field: Option<$type>,)+
        }

        impl $crate::record::Inputs for $record {
            type New = $new;
            type Update = $update;

            fn create(new: $new) -> Self {
                let mut record = Self::default();
                record.apply($update { $($field: Some(new.$field),)+ });
                record
            }

            fn apply(&mut self, update: $update) {
                $($crate::record::inputs!(@set self, update, $field $(, via $setter)? $(, clears $stale)?);)+
            }

            fn check_new(new: &mut $new, fields: &mut $crate::text::Fields) {
                $($crate::record::inputs!(@check fields, new.$field, [$field $($name)?] $($rule)? $(by $check)?);)+
            }

            fn check_update(update: &mut $update, fields: &mut $crate::text::Fields) {
                $($crate::record::inputs!(@check fields, update.$field, [$field $($name)?] $($rule)? $(by $check)?);)+
            }
        }
    };
    (@check $fields:ident, $value:expr, [$($name:tt)+]) => {};
    (@check $fields:ident, $value:expr, [$($name:tt)+] $rule:path) => {
        $fields.rule($crate::record::inputs!(@name $($name)+), &mut $value, $rule)
    };
    (@check $fields:ident, $value:expr, [$($name:tt)+] by $check:path) => {
        $fields.check_within(&mut $value, $check)
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@set $record:expr, $update:ident, $field:ident) => {
        $crate::record::set(&mut $record.$field, $update.$field)
    };
    (@set $record:expr, $update:ident, $field:ident, via $setter:path) => {
        if let Some(value) = $update.$field {
            $setter($record, value);
        }
    };
    (@set $record:expr, $update:ident, $field:ident, clears $stale:ident) => {
        $crate::record::replace(&mut $record.$field, &mut $record.$stale, $update.$field)
    };
}
pub(crate) use inputs;

/// Sets a field if another value is given, and clears what the value before had led to.
pub(crate) fn replace<T: PartialEq, S>(field: &mut T, stale: &mut Option<S>, value: Option<T>) {
    if let Some(value) = value.filter(|value| value != field) {
        *field = value;
        *stale = None;
    }
}
