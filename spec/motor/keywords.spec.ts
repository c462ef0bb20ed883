import { ObjectId } from 'bson';
import { expect } from 'chai';
import { ConfigurationError, ValueError } from '../../lib/core/errors';
import {
  arrayOf,
  bool,
  type Check,
  chooseFieldsWith,
  document,
  either,
  expect as expectArgument,
  fieldSpec,
  fn,
  instanceOf,
  integer,
  isPlainObject,
  keywords,
  oneOf,
  orNull,
  pairs,
  picture,
  positiveNumber,
  string,
  whole,
} from '../../lib/motor/keywords';

const FIND = keywords(
  { fields: [null, orNull(fieldSpec)], skip: [0, whole], timeout: [true, bool], max_time_ms: [undefined, whole] },
  { hint: chooseFieldsWith('fields') },
);
const CREATE = keywords({ cache_for: [300, whole] }, { rest: true });

/** Keywords that the types forbid. */
const wrong = <T>(given: unknown): T => given as T;

describe('A table of keywords', () => {
  it('gives what was given over the defaults', () => {
    expect(FIND.read('find', { skip: 3, timeout: false })).to.deep.equal({
      fields: null,
      skip: 3,
      timeout: false,
      max_time_ms: undefined,
    });
  });

  it('gives one frozen object while nothing is given', () => {
    const defaults = FIND.read('find', undefined);
    expect(defaults).to.deep.equal({ fields: null, skip: 0, timeout: true, max_time_ms: undefined });
    expect(defaults).to.be.frozen;
    for (const nothing of [null, {}, { callback: null }, { skip: undefined }]) {
      expect(FIND.read('find', nothing)).to.equal(defaults);
    }
  });

  it('does not change what was given', () => {
    const given = Object.freeze({ skip: 1 });
    FIND.read('find', given);
    expect(given).to.deep.equal({ skip: 1 });
  });

  it('leaves the callback to the wrapper', () => {
    const options = FIND.read('find', wrong({ skip: 1, callback: () => {} }));
    expect(options).to.not.have.property('callback');
  });

  it('refuses an unknown keyword and says what to do', () => {
    const message = "find_one: unknown keyword 'name'; fields are chosen with { fields: { name: 1 } }";
    expect(() => FIND.read('find_one', wrong({ name: 1 }))).to.throw(TypeError, message);
    expect(() => FIND.read('find_one', wrong({ 'a.b': 1 }))).to.throw(TypeError, '{ fields: { "a.b": 1 } }');
    const plain = keywords({ max_time_ms: [0, whole] });
    expect(() => plain.read('count', wrong({ foo: 1 }))).to.throw(TypeError, /^count: unknown keyword 'foo'$/);
    expect(() => plain.read('count', wrong({ maxTimeMS: 1 }))).to.throw(TypeError, "did you mean 'max_time_ms'?");
    expect(() => FIND.read('find', wrong({ feilds: { a: 1 } }))).to.throw(
      TypeError,
      /^find: unknown keyword 'feilds'; did you mean 'fields'\? \(fields are chosen with /,
    );
    for (const name of ['constructor', 'toString', '__proto__']) {
      const given = JSON.parse(`{"${name}": 1}`) as unknown;
      expect(() => plain.read('count', wrong(given))).to.throw(TypeError, `unknown keyword '${name}'`);
    }
  });

  it('refuses the relics of older drivers, whatever their value', () => {
    for (const name of ['safe', 'slave_okay', 'slaveok', 'auto_start_request']) {
      for (const value of [false, undefined]) {
        expect(() => FIND.read('find', wrong({ [name]: value }))).to.throw(
          ConfigurationError,
          `find: the keyword '${name}'`,
        );
        expect(() => CREATE.read('create_index', { [name]: value })).to.throw(ConfigurationError, name);
      }
    }
    const other = keywords({}, { refused: [] });
    expect(() => other.read('find', wrong({ safe: 1 }))).to.throw(TypeError, "unknown keyword 'safe'");
  });

  it('refuses what is no plain object', () => {
    for (const given of ['skip', 5, true, [], () => {}, new ObjectId(), new Map(), new Date()]) {
      expect(() => FIND.read('find', wrong(given))).to.throw(TypeError, 'find: keywords must be a plain object, not ');
    }
    expect(FIND.read('find', Object.assign(Object.create(null), { skip: 2 })).skip).to.equal(2);
  });

  it('passes unknown keywords on, in order, where the method has it so', () => {
    const { cache_for, server } = CREATE.read('create_index', {
      unique: true,
      cache_for: 5,
      name: 'n',
      gone: undefined,
    });
    expect(cache_for).to.equal(5);
    expect(Object.entries(server)).to.deep.equal([
      ['unique', true],
      ['name', 'n'],
    ]);
    expect(CREATE.read('create_index', { sparse: true })).to.deep.equal({ cache_for: 300, server: { sparse: true } });
    expect(CREATE.read('create_index', {}).server).to.deep.equal({});
  });

  it('names method, keyword, what is wanted and what came', () => {
    expect(() => FIND.read('find', wrong({ skip: 'x' }))).to.throw(
      TypeError,
      'find: skip must be a non-negative integer, not a string',
    );
    expect(() => FIND.read('find', { skip: -1 })).to.throw(
      ValueError,
      'find: skip must be a non-negative integer, not -1',
    );
    expect(() => FIND.read('find', wrong({ timeout: 1 }))).to.throw(
      TypeError,
      'find: timeout must be a boolean, not 1',
    );
    expect(() => FIND.read('find', wrong({ fields: 7 }))).to.throw(
      TypeError,
      'find: fields must be an array of field names or a document or null, not 7',
    );
  });
});

describe('A check', () => {
  class Thing {}
  const table: [name: string, check: Check<unknown>, right: unknown[], wrongType: unknown[], outOfRange?: unknown[]][] =
    [
      ['bool', bool, [true, false], [0, 1, null, 'true']],
      ['string', string, ['', 'a'], [1, null, Object('a')]],
      ['integer', integer, [0, -5, 2 ** 53 - 1], [1.5, Number.NaN, Infinity, 2 ** 53, '1', 1n, null, true]],
      ['whole', whole, [0, 7], [1.5, null, '0'], [-1]],
      ['positiveNumber', positiveNumber, [0.1, 7], ['1', Number.NaN, null], [0, -1]],
      ['orNull', orNull(whole), [null, 0], [undefined, 'x'], [-1]],
      [
        'document',
        document,
        [{}, new Map(), Object.create(null), new Thing()],
        [[], null, 'a', new ObjectId(), new Date()],
      ],
      ['pairs', pairs, [[], [['a', 1]]], [{ a: 1 }, 'a', 5, null], [['a'], [['a', 1, 2]], [[1, 'a']]]],
      ['fieldSpec', fieldSpec, [[], ['a'], { a: 1 }], ['a', [1], 5, null]],
      ['fn', fn, [() => {}, Thing], [{}, null]],
      ['oneOf', oneOf('a', 1), ['a', 1], ['b', '1', null]],
      ['either', either(string, whole), ['a', 0], [null, {}], [-1]],
      ['arrayOf', arrayOf(string), [[], ['a']], ['a', [1], null]],
      ['instanceOf', instanceOf(Thing, 'a Thing'), [new Thing()], [{}, null]],
    ];
  for (const [name, check, right, wrongType, outOfRange = []] of table) {
    it(`${name} tells right from wrong`, () => {
      for (const value of right) expect(expectArgument('m', 'x', check, value)).to.equal(value);
      for (const value of wrongType) {
        expect(() => expectArgument('m', 'x', check, value), picture(value)).to.throw(
          TypeError,
          `m: x must be ${check.wanted}`,
        );
      }
      for (const value of outOfRange) {
        expect(() => expectArgument('m', 'x', check, value), picture(value)).to.throw(
          ValueError,
          `m: x must be ${check.wanted}`,
        );
      }
    });
  }

  it('takes iterables, bytes and the like for no documents', () => {
    async function* later() {}
    const values = [
      [].values(),
      later(),
      new Set(),
      new Uint8Array(1),
      new DataView(new ArrayBuffer(1)),
      /a/,
      () => {},
    ];
    for (const value of values) expect(document.is(value), picture(value)).to.equal(false);
    expect(isPlainObject(new Thing())).to.equal(false);
  });
});

describe('The picture of a value in an error', () => {
  it('never shows what is in it', () => {
    const secret = 'swordfish';
    for (const value of [secret, { secret }, [secret], new Map([[secret, secret]]), () => secret, Symbol(secret)]) {
      expect(picture(value)).to.match(/^an? /).and.not.to.include(secret);
    }
    expect([null, undefined, -1.5, 7n, true].map(picture)).to.deep.equal(['null', 'undefined', '-1.5', '7n', 'true']);
    expect(picture(new ObjectId())).to.equal('an ObjectId');
  });

  it('is drawn of objects that answer oddly too', () => {
    expect(picture({ constructor: null })).to.equal('a plain object');
    expect(picture(Object.create({ constructor: null }))).to.equal('an object');
    expect(picture(Object.create({ constructor: { name: Symbol('x') } }))).to.match(/^an? /);
  });
});
