//! The oracle's small schema, as in `tests/js/oracle-world.mjs`. An object is a number, which determines what fails, what is null
//! and what comes next.

use std::sync::atomic::{AtomicI32, Ordering};

use async_graphql::{
    Context, EmptySubscription, Enum, Error, ID, InputObject, Interface, MaybeUndefined, Object,
    Union, Value, parser::types::Field,
};
use schema::{Plain, Planned, Shown};

pub(super) type World = Planned<Query, Mutation, EmptySubscription>;

pub(super) fn world() -> World {
    Planned::build(|builder| builder)
}

/// Counts the mutations of one request.
#[derive(Default)]
pub(super) struct Count(AtomicI32);

pub(super) struct A(i32);
pub(super) struct B(i32);

fn a(n: i32) -> A {
    A(n % 997)
}

fn b(n: i32) -> B {
    B(n % 997)
}

fn fail<T>(n: i32) -> Result<T, Error> {
    Err(Error::new(format!("failed {n}")))
}

#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "String"),
    field(name = "name", ty = "Option<String>"),
    field(name = "sure", ty = "i32"),
    field(name = "next", ty = "A"),
    field(name = "perhaps", ty = "Option<i32>")
)]
pub(super) enum Thing {
    A(A),
    B(B),
}

#[derive(Union)]
pub(super) enum Either {
    A(A),
    B(B),
}

fn thing(n: i32) -> Thing {
    match n % 2 {
        0 => b(n).into(),
        _ => a(n).into(),
    }
}

fn either(n: i32) -> Either {
    match n % 2 {
        0 => b(n).into(),
        _ => a(n).into(),
    }
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Red,
    Blue,
}

#[derive(InputObject)]
pub(super) struct Input {
    #[graphql(default = 3)]
    a: Option<i32>,
    b: MaybeUndefined<String>,
    c: MaybeUndefined<Vec<Input>>,
    d: MaybeUndefined<Color>,
    #[graphql(default = 4)]
    e: i32,
}

trait Told {
    fn told(&self) -> String;
}

impl Told for Color {
    fn told(&self) -> String {
        match self {
            Self::Red => "RED".into(),
            Self::Blue => "BLUE".into(),
        }
    }
}

impl Told for Input {
    fn told(&self) -> String {
        let Self { a, b, c, d, e } = self;
        let a = a.as_ref().map_or("null".into(), i32::told);
        format!(
            "{{a={a} b={} c={} d={} e={e}}}",
            maybe(b),
            maybe(c),
            maybe(d)
        )
    }
}

impl<T: Told> Told for Vec<T> {
    fn told(&self) -> String {
        let items: Vec<_> = self.iter().map(Told::told).collect();
        format!("[{}]", items.join(" "))
    }
}

impl<T: Told> Told for Option<T> {
    fn told(&self) -> String {
        self.as_ref().map_or("null".into(), Told::told)
    }
}

macro_rules! shown {
    ($($kind:ty),*) => {
        $(impl Told for $kind {
            fn told(&self) -> String {
                self.to_string()
            }
        })*
    };
}

shown!(i32, f64, String);

impl Told for ID {
    fn told(&self) -> String {
        self.to_string()
    }
}

fn maybe<T: Told>(value: &MaybeUndefined<T>) -> String {
    match value {
        MaybeUndefined::Undefined => "-".into(),
        MaybeUndefined::Null => "null".into(),
        MaybeUndefined::Value(value) => value.told(),
    }
}

macro_rules! objects {
    ($($name:ident $kind:literal { $($more:tt)* })*) => {
        $(#[Object]
        impl $name {
            async fn id(&self) -> String {
                format!("{}{}", $kind, self.0)
            }

            async fn name(&self) -> Option<String> {
                (self.0 % 5 != 0).then(|| format!("name {}", self.0))
            }

            async fn sure(&self) -> Result<i32, Error> {
                if self.0 % 4 == 1 { fail(self.0) } else { Ok(self.0) }
            }

            async fn perhaps(&self) -> Result<Option<i32>, Error> {
                match self.0 % 4 {
                    2 => fail(self.0),
                    0 => Ok(None),
                    _ => Ok(Some(self.0)),
                }
            }

            async fn next(&self) -> A {
                a(self.0 * 3 + 1)
            }

            $($more)*
        }

        impl Plain for $name {
            fn plain(&self, field: &Field) -> Option<Value> {
                match field.name.node.as_str() {
                    "id" => Some(format!("{}{}", $kind, self.0).into()),
                    "name" => Some((self.0 % 5 != 0).then(|| format!("name {}", self.0)).into()),
                    _ => None,
                }
            }
        })*
    };
}

objects! {
    A "A" {
        async fn maybe(&self) -> Option<Shown<A>> {
            (self.0 % 3 != 0).then(|| Shown(a(self.0 + 5)))
        }

        async fn other(&self) -> Result<Option<Shown<B>>, Error> {
            if self.0 % 5 == 3 { fail(self.0) } else { Ok(Some(Shown(b(self.0 + 1)))) }
        }

        async fn hard(&self) -> Result<Shown<B>, Error> {
            if self.0 % 6 == 5 { fail(self.0) } else { Ok(Shown(b(self.0 * 2 + 1))) }
        }

        async fn thing(&self) -> Option<Thing> {
            (self.0 % 7 != 0).then(|| thing(self.0 + 2))
        }

        async fn some_thing(&self) -> Thing {
            thing(self.0 + 3)
        }

        async fn list(&self) -> Vec<Shown<A>> {
            [1, 2, 3].map(|more| Shown(a(self.0 + more))).into()
        }
    }
    B "B" {
        async fn either(&self) -> Either {
            either(self.0 * 5 + 2)
        }

        async fn perhapses(&self) -> Vec<Option<A>> {
            vec![Some(a(self.0)), None, Some(a(self.0 + 4))]
        }

        async fn things(&self) -> Option<Vec<Thing>> {
            (self.0 % 4 != 3).then(|| vec![thing(self.0), thing(self.0 + 1)])
        }

        async fn failing(&self) -> Option<Vec<Result<A, Error>>> {
            let last = if self.0 % 2 == 1 { fail(0) } else { Ok(a(self.0 + 1)) };
            Some(vec![Ok(a(self.0)), last])
        }

        async fn numbers(&self) -> Vec<Vec<Option<i32>>> {
            vec![vec![Some(self.0), None], vec![], vec![Some(self.0 + 1)]]
        }
    }
}

#[derive(Default)]
pub(super) struct Query;

#[Object]
impl Query {
    async fn next(&self) -> A {
        a(4)
    }

    async fn maybe(&self) -> Option<Shown<A>> {
        Some(Shown(a(6)))
    }

    async fn thing(&self) -> Option<Thing> {
        Some(thing(3))
    }

    async fn either(&self) -> Either {
        either(7)
    }

    async fn hard(&self) -> Result<Shown<B>, Error> {
        Ok(Shown(b(3)))
    }

    async fn list(&self) -> Vec<A> {
        vec![a(2), a(3), a(4)]
    }

    #[expect(clippy::too_many_arguments, reason = "one of each kind")]
    async fn echo(
        &self,
        #[graphql(default = 5)] i: Option<i32>,
        s: MaybeUndefined<String>,
        l: MaybeUndefined<Vec<Option<i32>>>,
        #[graphql(default_with = "Color::Red")] e: Color,
        o: MaybeUndefined<Input>,
        f: MaybeUndefined<f64>,
        #[graphql(default = true)] b: bool,
        id: MaybeUndefined<ID>,
    ) -> Option<String> {
        let i = i.as_ref().map_or("null".into(), i32::told);
        Some(format!(
            "i={i} s={} l={} e={} o={} f={} b={b} id={}",
            maybe(&s),
            maybe(&l),
            e.told(),
            maybe(&o),
            maybe(&f),
            maybe(&id)
        ))
    }
}

#[derive(Default)]
pub(super) struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self, ctx: &Context<'_>) -> i32 {
        counted(ctx)
    }

    async fn make(&self, ctx: &Context<'_>) -> Result<Option<A>, Error> {
        let count = counted(ctx);
        if count % 3 == 2 {
            fail(count)
        } else {
            Ok(Some(a(count)))
        }
    }
}

fn counted(ctx: &Context<'_>) -> i32 {
    ctx.data_unchecked::<Count>()
        .0
        .fetch_add(1, Ordering::Relaxed)
        + 1
}
