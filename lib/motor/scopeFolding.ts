/** JavaScript that goes to the server: a `Code` with a scope, which servers since 4.4 refuse, becomes one without. */

import { Script } from 'node:vm';
import { type Binary, Code, type Document } from 'bson';
import { entries, isDocument } from '../core/documents';

const COMMENTS_AND_SPACE = /^(?:\s+|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*/;
const FUNCTION = /^\(*\s*(?:async\s*)?(?:function\b|\([^()]*(?:\([^()]*\)[^()]*)*\)\s*=>|[\w$]+\s*=>)/;

/** Whether the text is a function; else it is an expression, or statements. */
export function isFunctionText(text: string): boolean {
  return FUNCTION.test(text.replace(COMMENTS_AND_SPACE, '')) && compiles(`(${text}\n)`);
}

export function isExpression(text: string): boolean {
  return compiles(`(function () { return (${text}\n); })`);
}

function compiles(text: string): boolean {
  try {
    new Script(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The code with its scope folded into its text: each variable stands in front of it with a literal. It does what it did,
 * `this` and arguments are the same; without a scope it is returned as it is.
 * @throws TypeError: a variable that is no name, or whose value has no literal
 */
export function foldScope(code: Code): Code {
  if (code.scope === null || code.scope === undefined) return code;
  const variables = entries(code.scope).map(([name, value]) => `var ${identifier(name)} = ${literal(value)};`);
  if (variables.length === 0) return new Code(code.code);
  const text = String(code.code);
  const result = isFunctionText(text)
    ? `return (${text}\n).apply(this, arguments);`
    : isExpression(text)
      ? `return (${text}\n);`
      : text;
  return new Code(`function () { ${variables.join(' ')} ${result}\n}`);
}

/** A function's source text; that of a method (`{ reduce(key, values) { ... } }`) has no `function` in front. */
// biome-ignore lint/complexity/noBannedTypes: any function at all, for only its text is used
export function sourceOf(fn: Function): string {
  const text = fn.toString();
  return isFunctionText(text) || !compiles(`(function ${text}\n)`) ? text : `function ${text}`;
}

/** JavaScript in a command's field as it is to be sent: a function as its text, a scope folded in. */
export function codeToSend(value: unknown): unknown {
  if (typeof value === 'function') return new Code(sourceOf(value));
  return value instanceof Code ? foldScope(value) : value;
}

/** The filter with each `$where` as it is to be sent; the same object if there is nothing to do. */
export function foldWhere(filter: Document): Document {
  if (!holdsWhere(filter)) return filter;
  return new Map(
    entries(filter).map(([name, value]) => {
      if (name === '$where' && value instanceof Code) return [name, foldScope(value)];
      if (LOGICAL.includes(name) && Array.isArray(value)) {
        return [name, value.map((inner) => (isDocument(inner) ? foldWhere(inner) : inner))];
      }
      return [name, value];
    }),
  );
}

const LOGICAL = ['$and', '$or', '$nor'];

function holdsWhere(filter: Document): boolean {
  if (filter instanceof Map) return filter.has('$where') || LOGICAL.some((name) => filter.has(name));
  return (
    filter.$where !== undefined || filter.$and !== undefined || filter.$or !== undefined || filter.$nor !== undefined
  );
}

function identifier(name: string): string {
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && compiles(`var ${name};`)) return name;
  throw new TypeError('a scope holds a variable whose name is no name in JavaScript');
}

/** JavaScript for a value, in the words of the server's shell. */
function literal(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'string':
      return text(value);
    case 'bigint':
      return `NumberLong("${value}")`;
    case 'function':
      return `(${value.toString()})`;
    case 'boolean':
    case 'undefined':
      return String(value);
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof RegExp) return `new RegExp(${text(value.source)}, ${text(value.flags)})`;
  if (value instanceof Uint8Array) return `BinData(0, "${Buffer.from(value).toString('base64')}")`;
  const typed = value as Document;
  if (typed._bsontype !== undefined) return bsonLiteral(typed);
  const fields = entries(typed).map(([name, inner]) => `[${text(name)}]: ${literal(inner)}`);
  return `({ ${fields.join(', ')} })`;
}

function bsonLiteral(value: Document): string {
  switch (value._bsontype) {
    case 'Int32':
      return `NumberInt(${value})`;
    case 'Double':
      return literal(value.value);
    case 'Long':
      return `NumberLong("${value}")`;
    case 'Decimal128':
      return `NumberDecimal("${value}")`;
    case 'ObjectId':
      return `ObjectId("${value}")`;
    case 'Timestamp':
      return `Timestamp(${value.t}, ${value.i})`;
    case 'Binary':
      return `BinData(${value.sub_type}, "${(value as Binary).toString('base64')}")`;
    case 'BSONRegExp':
      return `new RegExp(${text(value.pattern)}, ${text(value.options)})`;
    case 'DBRef':
      return `DBRef(${text(value.collection)}, ${literal(value.oid)}${value.db === undefined ? '' : `, ${text(value.db)}`})`;
    case 'Code':
      return `(${foldScope(value as Code).code})`;
    case 'MinKey':
    case 'MaxKey':
      return value._bsontype;
    case 'BSONSymbol':
      return text(String(value));
  }
  throw new TypeError(`a scope holds a ${String(value._bsontype)}, which cannot be written in JavaScript`);
}

function text(value: string): string {
  return JSON.stringify(value);
}
