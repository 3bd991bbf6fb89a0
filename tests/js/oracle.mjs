// The oracle of documents: draws documents over a schema, and says of each what graphql-js makes of it, one JSON object a line.
// `node oracle.mjs validate SDL SEED COUNT` tells verdicts, `node oracle.mjs execute SDL SEED COUNT` answers. What the gateway
// compares with is in gateway/src/document/oracle.
import { readFileSync } from 'node:fs'
import {
  buildSchema,
  execute,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  validate,
} from 'graphql'
import { resolve, typeOf } from './oracle-world.mjs'

const [mode, path, seed, count] = process.argv.slice(2)
const schema = buildSchema(readFileSync(path, 'utf8'))
for (const name of ['Date', 'DateTime']) {
  const type = schema.getType(name)
  if (!type) continue
  type.parseValue = (value) => {
    if (typeof value !== 'string' || Number.isNaN(Date.parse(value)) || !/^\d{4}-\d\d-\d\d/.test(value)) throw new TypeError(`no ${name}`)
    return value
  }
  type.parseLiteral = (node) => type.parseValue(node.value)
}
// Neither JSON nor a document has files.
const upload = schema.getType('Upload')
if (upload) {
  const refuse = () => {
    throw new TypeError('no file')
  }
  Object.assign(upload, { parseValue: refuse, parseLiteral: refuse })
}
const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'))
const composite = types.filter(isCompositeType)

function generator(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n) => Math.floor(next() * n)
  return { chance: (p) => next() < p, below, pick: (list) => list[below(list.length)] }
}

/** Draws one document. `broken` is how often something is drawn that does not fit. */
class Draw {
  constructor(random, broken) {
    Object.assign(this, random)
    this.broken = broken
    this.fragments = []
    this.used = new Set()
    this.variables = new Map()
    this.conditions = new Set()
    this.budget = 40
  }

  wrong() {
    return this.broken > 0 && this.chance(this.broken)
  }

  document() {
    const kinds = ['query', 'query', 'query', 'mutation', 'subscription']
    const kind = this.pick(mode === 'execute' ? kinds.slice(0, 4) : kinds)
    const roots = { query: 'getQueryType', mutation: 'getMutationType', subscription: 'getSubscriptionType' }
    const root = schema[roots[kind]]()
    if (!root) return '{ __typename }'
    // Fragments may spread those that come after them.
    this.names = Array.from({ length: this.below(4) }, (_, at) => ({
      name: `F${at}`,
      on: this.chance(0.3) ? root : this.pick(composite),
      at,
    }))
    this.at = -1
    const set = kind === 'subscription' ? this.root(root) : this.selections(root, 0)
    const texts = []
    for (const { name, on, at } of this.names) {
      // An unused one is an error, so it is mostly left out.
      if (!this.used.has(name) && !this.wrong()) continue
      this.at = at
      texts.push(`${this.description()}fragment ${name} on ${on.name} ${this.selections(on, 2)}`)
    }
    if (this.wrong()) texts.push(this.pick([texts[0] ?? '{ __typename }', 'fragment X on Int { a }', 'type X { a: Int }']))
    const variables = [...this.variables.values()].filter(() => !this.chance(this.broken / 2))
    if (this.wrong()) variables.push({ name: 'unused', text: '$unused: Int' })
    if (this.wrong() && variables.length) variables.push(variables[0])
    const written = variables.map(({ text }) => `${this.description()}${text}`)
    const declared = written.length ? `(${written.join(', ')})` : ''
    const operation = `${this.description()}${kind}${this.chance(0.3) ? ' Q' : ''}${declared} ${set}`
    return [operation, ...texts].join(' ')
  }

  description() {
    if (!this.chance(0.05)) return ''
    return this.pick(['"a query { b } $c" ', '"""\n  a \\""" "b"\n""" ', '""', '"\\u{1F600}"'])
  }

  root(type) {
    const one = this.field(type, 0, true)
    // The same again may be selected beside it.
    return this.wrong() ? `{ ${one} ${this.field(type, 0, true)} }` : this.chance(0.2) ? `{ ${one} ${one} }` : `{ ${one} }`
  }

  selections(type, depth) {
    const items = []
    const many = 1 + this.below(depth > 3 ? 2 : 4)
    for (let i = 0; i < many; i++) items.push(this.selection(type, depth))
    if (this.chance(0.15)) items.push(this.pick(items))
    return `{ ${items.join(' ')} }`
  }

  selection(type, depth) {
    if (this.budget > 0 && this.chance(0.15)) {
      const on = this.wrong() ? this.pick(types) : this.pick(related(type))
      this.budget--
      const condition = this.chance(0.2) ? '' : ` on ${on.name}`
      const inner = condition && isCompositeType(on) ? on : type
      return `...${condition}${this.directives()} ${this.selections(inner, depth + 1)}`
    }
    if (this.chance(0.15)) {
      if (this.wrong()) return this.pick(['...Unknown', '...F0', '...F1'])
      const fits = this.names.filter(({ on, at }) => at > this.at && overlap(on, type))
      if (fits.length) {
        const { name } = this.pick(fits)
        this.used.add(name)
        return `...${name}${this.directives()}`
      }
    }
    return this.field(type, depth)
  }

  field(type, depth, bare = false) {
    this.budget--
    let fields = isCompositeType(type) && type.getFields ? Object.values(type.getFields()) : []
    if (!bare && (depth > 4 || this.budget < 0)) fields = fields.filter((field) => !isCompositeType(getNamedType(field.type)))
    if (!bare && (fields.length === 0 || this.chance(0.08))) return this.chance(0.2) ? 'x: __typename' : '__typename'
    const field = this.pick(fields)
    const name = this.wrong() ? this.pick(['nope', 'id', 'name', field.name]) : field.name
    const given = this.arguments(field.args)
    // With arguments another name, or it would be in conflict with others most of the time.
    const renamed = this.chance(0.12) || (given !== '' && !this.chance(this.broken * 3))
    const alias = renamed ? `${this.alias(field, given)}: ` : ''
    const set = isCompositeType(getNamedType(field.type)) !== this.wrong() ? ` ${this.below_(field, depth)}` : ''
    return `${alias}${name}${given}${bare ? '' : this.directives()}${set}`
  }

  below_(field, depth) {
    const named = getNamedType(field.type)
    return isCompositeType(named) ? this.selections(named, depth + 1) : '{ id }'
  }

  alias(field, given) {
    if (this.wrong()) return this.pick(['x', 'y', 'id'])
    return `${field.name}_${given ? this.below(1e6) : this.below(2)}`
  }

  directives() {
    if (!this.chance(0.12)) return ''
    if (this.wrong()) return this.pick([' @skip', ' @nope', ' @include(if: 1)', ' @skip(if: true) @skip(if: true)', ' @deprecated'])
    const condition = this.chance(0.5) ? this.condition() : this.pick(['true', 'false'])
    return ` @${this.pick(['skip', 'include'])}(if: ${condition})`
  }

  condition() {
    const variable = this.variable(BOOLEAN, false)
    this.conditions.add(variable.slice(1))
    return variable
  }

  arguments(definitions) {
    const texts = []
    for (const argument of definitions) {
      const required = isRequiredArgument(argument)
      if (required ? this.wrong() : !this.chance(0.35)) continue
      texts.push(`${argument.name}: ${this.value(argument.type, argument.defaultValue !== undefined, 0)}`)
    }
    if (this.wrong()) texts.push(this.pick([texts[0] ?? 'nope: 1', 'nope: 1']))
    return texts.length ? `(${texts.join(', ')})` : ''
  }

  value(type, hasDefault, depth) {
    if (this.wrong()) return this.pick(['null', '1', '"x"', 'RED', '[1]', '{a: 1}', 'true', '1.5', '$unknown', '[[null]]', '12345678901'])
    if (this.chance(0.3)) return this.variable(type, hasDefault)
    return this.literal(type, depth, true)
  }

  /** A constant unless `open`. */
  literal(type, depth, open = false) {
    if (isNonNullType(type)) return this.plain(type.ofType, depth, open)
    return this.chance(0.12) ? 'null' : this.plain(type, depth, open)
  }

  plain(type, depth, open) {
    if (isListType(type)) {
      if (this.chance(0.2)) return this.literal(type.ofType, depth, open)
      const items = Array.from({ length: this.below(3) }, () =>
        open ? this.value(type.ofType, false, depth + 1) : this.literal(type.ofType, depth + 1),
      )
      return `[${items.join(', ')}]`
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) => isRequiredInputField(field) || (depth < 3 && this.chance(0.4)))
      const texts = fields.map((field) => {
        const value = open
          ? this.value(field.type, field.defaultValue !== undefined, depth + 1)
          : this.literal(field.type, depth + 1)
        return `${field.name}: ${value}`
      })
      if (this.wrong()) texts.push(this.pick([texts[0] ?? 'nope: 1', 'nope: 1']))
      return `{${texts.join(', ')}}`
    }
    if (isEnumType(type)) return this.pick(type.getValues()).name
    const drawn = {
      Int: () => `${this.below(9) - 3}`,
      Float: () => this.pick(['1', '1.5', '-2', '0.5']),
      String: () => this.pick(['"x"', '""', '"\\u{1F600}"', '"\\uD83D\\uDE00 \\n"', '"""a \\""" b"""', '"""\n    block\n      text\n  """']),
      Boolean: () => this.pick(['true', 'false']),
      ID: () => this.pick(['"i"', '7']),
    }[type.name]
    return drawn ? drawn() : type.name === 'Date' ? '"2026-01-01"' : '"2026-01-01T00:00:00Z"'
  }

  variable(type, hasDefault) {
    let wanted = type
    let fallback = ''
    if (this.wrong()) wanted = this.pick([BOOLEAN, schema.getType('Int'), type.ofType ?? type])
    else if (isNonNullType(type) && this.chance(0.4)) {
      // A default, here or there, makes up for it.
      wanted = type.ofType
      if (!hasDefault || this.chance(0.5)) fallback = ` = ${this.wrong() ? 'null' : this.plain(wanted, 1, false)}`
    } else if (!isNonNullType(type) && this.chance(0.2)) fallback = ` = ${this.literal(type, 1)}`
    const written = `${wanted}`
    const known = [...this.variables.values()].find((known) => known.text.endsWith(`: ${written}${fallback}`))
    if (known && this.chance(0.6)) return `$${known.name}`
    const name = `v${this.variables.size}`
    this.variables.set(name, { name, type: wanted, fallback, text: `$${name}: ${written}${fallback}` })
    return `$${name}`
  }

  /** Values for the variables, as JSON: some are left out, some null, and now and then one does not fit. */
  given() {
    const given = {}
    for (const { name, type, fallback } of this.variables.values()) {
      const may = !isNonNullType(type) || fallback !== ''
      if (may && this.chance(0.4)) continue
      if (this.conditions.has(name)) {
        // Null is refused before anything is executed; graphql-js finds out on the way.
        given[name] = this.chance(0.5)
        continue
      }
      given[name] = this.chance(0.03) ? this.pick([null, 'x', 1.5, [], {}, true, 3e10]) : this.json(type, 0)
    }
    if (this.chance(0.1)) given.undeclared = 1
    return given
  }

  json(type, depth) {
    if (!isNonNullType(type) && this.chance(0.15)) return null
    type = getNullableType(type)
    if (isListType(type)) {
      if (this.chance(0.2)) return this.json(type.ofType, depth)
      return Array.from({ length: this.below(3) }, () => this.json(type.ofType, depth + 1))
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) => isRequiredInputField(field) || (depth < 3 && this.chance(0.4)))
      return Object.fromEntries(fields.map((field) => [field.name, this.json(field.type, depth + 1)]))
    }
    if (isEnumType(type)) return this.pick(type.getValues()).name
    return { Int: this.below(9) - 3, Float: this.pick([1, 1.5, -2]), Boolean: this.chance(0.5), ID: this.pick(['i', 7]) }[type.name] ?? this.pick(['x', '', '😀'])
  }
}

const BOOLEAN = getNamedTypeOf('Boolean!')

function getNamedTypeOf(text) {
  const type = buildSchema(`type Query { a(b: ${text}): Int }`).getQueryType().getFields().a.args[0].type
  return type
}

function possible(type) {
  return isAbstractType(type) ? schema.getPossibleTypes(type) : [type]
}

function overlap(one, other) {
  return possible(one).some((type) => possible(other).includes(type))
}

function related(type) {
  return composite.filter((other) => overlap(type, other))
}

/** Takes a token out, doubles one, or puts one in the place of another. */
function damaged(text, random) {
  const tokens = text.match(/"""[^]*?"""|"(?:\\.|[^"\\])*"|\.\.\.|[A-Za-z_0-9.$@]+|[^\s]/g)
  const at = random.below(tokens.length)
  const other = random.pick(tokens)
  tokens.splice(at, random.below(2), ...(random.chance(0.5) ? [other] : []))
  return tokens.join(' ')
}

function parsed(text) {
  try {
    return parse(text)
  } catch {
    return null
  }
}

function verdict(text) {
  const document = parsed(text)
  if (!document) return { valid: false, why: 'syntax' }
  const errors = validate(schema, document, undefined, { maxErrors: 3 })
  return { valid: errors.length === 0, why: errors[0]?.message }
}

const first = Number(seed)
for (let at = first; at < first + Number(count); at++) {
  const random = generator(at)
  if (mode === 'validate') {
    const draw = new Draw(random, random.pick([0, 0, 0.01, 0.03, 0.1]))
    let document = draw.document()
    if (random.chance(0.15)) document = damaged(document, random)
    console.log(JSON.stringify({ seed: at, document, ...verdict(document) }))
    continue
  }
  const draw = new Draw(random, 0)
  const document = draw.document()
  const { valid } = verdict(document)
  if (!valid) continue
  const variableValues = draw.given()
  const { data, errors } = await execute({
    schema,
    document: parse(document),
    variableValues,
    contextValue: { count: 0 },
    rootValue: { n: 1 },
    fieldResolver: resolve,
    typeResolver: typeOf,
  })
  const paths = (errors ?? []).map((error) => error.path ?? null)
  console.log(JSON.stringify({ seed: at, document, variables: variableValues, executed: data !== undefined, data: JSON.stringify(data ?? null), paths }))
}
