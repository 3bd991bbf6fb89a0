// What the fields of the oracle's small schema resolve to: the same as gateway/src/document/oracle/world.rs has it. An object is a
// number; what fails, what is null and what comes next follow from it.

const A = (n) => ({ kind: 'A', n: n % 997 })
const B = (n) => ({ kind: 'B', n: n % 997 })
const thing = (n) => (n % 2 ? A(n) : B(n))
const fail = (n) => {
  throw new Error(`failed ${n}`)
}

const FIELDS = {
  id: (n, _, kind) => `${kind}${n}`,
  name: (n) => (n % 5 ? `name ${n}` : null),
  sure: (n) => (n % 4 === 1 ? fail(n) : n),
  perhaps: (n) => (n % 4 === 2 ? fail(n) : n % 4 === 0 ? null : n),
  next: (n) => A(n * 3 + 1),
  maybe: (n) => (n % 3 ? A(n + 5) : null),
  other: (n) => (n % 5 === 3 ? fail(n) : B(n + 1)),
  hard: (n) => (n % 6 === 5 ? fail(n) : B(n * 2 + 1)),
  thing: (n) => (n % 7 ? thing(n + 2) : null),
  someThing: (n) => thing(n + 3),
  either: (n) => thing(n * 5 + 2),
  list: (n) => [A(n + 1), A(n + 2), A(n + 3)],
  perhapses: (n) => [A(n), null, A(n + 4)],
  things: (n) => (n % 4 === 3 ? null : [thing(n), thing(n + 1)]),
  failing: (n) => [A(n), n % 2 ? new Error('item') : A(n + 1)],
  numbers: (n) => [[n, null], [], [n + 1]],
  echo: (_, args) => shown(args, ECHO),
}

const INPUT = ['a', 'b', 'c', 'd', 'e']
const ECHO = ['i', 's', 'l', 'e', 'o', 'f', 'b', 'id']

/** Arguments as they arrive: `-` for those that do not. */
function shown(args, names) {
  return names.map((name) => `${name}=${name in args ? told(args[name]) : '-'}`).join(' ')
}

function told(value) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(told).join(' ')}]`
  if (typeof value === 'object') return `{${shown(value, INPUT)}}`
  return `${value}`
}

export function resolve(source, args, context, info) {
  if (info.parentType.name === 'Mutation') {
    context.count += 1
    if (info.fieldName === 'bump') return context.count
    if (context.count % 3 === 2) fail(context.count)
    return A(context.count)
  }
  return FIELDS[info.fieldName](source.n, args, source.kind)
}

export const typeOf = (value) => value.kind
