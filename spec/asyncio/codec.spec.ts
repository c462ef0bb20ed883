import {
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorCollection,
  CodecOptions,
  DatetimeConversion,
  DatetimeMS,
  InvalidBSON,
  Regex,
  SON,
  ValueError,
} from '../../lib/asyncio/index';
import { ENGINE } from '../../lib/motor/settings';
import { countsOf, eachForm, freshAsyncIOCollection, newAsyncIOClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { server } from '../support/hooks';
import type { Action } from '../support/proxy';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

const { DATETIME, DATETIME_AUTO, DATETIME_CLAMP, DATETIME_MS } = DatetimeConversion;
const LAST = 8_640_000_000_000_000n;
const LARGEST = 2n ** 63n - 1n;
type Wrong = never;

describe('DatetimeMS', () => {
  it('is a moment of 64 bits, made of a bigint or a Date', () => {
    const date = new Date('2024-02-29T12:00:00.123Z');
    const moment = new DatetimeMS(date);
    expect(moment.valueOf()).to.equal(BigInt(date.getTime()));
    expect(moment.as_datetime()).to.deep.equal(date);
    expect(moment.equals(new DatetimeMS(BigInt(date.getTime())))).to.equal(true);
    expect(moment.equals(new DatetimeMS(0n))).to.equal(false);
    expect(moment).not.to.deep.equal(new DatetimeMS(0n));
    expect([moment < new DatetimeMS(LAST), moment.valueOf() > Date.now(), moment.valueOf() > 5]).to.deep.equal([
      true,
      false,
      true,
    ]);
    expect(String(new DatetimeMS(-5n))).to.equal('DatetimeMS(-5)');
    expect(new DatetimeMS(LAST).as_datetime().getTime()).to.equal(Number(LAST));
    expect(() => new DatetimeMS(LAST + 1n).as_datetime()).to.throw(InvalidBSON, 'datetime_conversion');
  });

  it('is made of nothing else', () => {
    for (const value of [LARGEST + 1n, -LARGEST - 2n, new Date(Number.NaN)]) {
      expect(() => new DatetimeMS(value)).to.throw(ValueError);
    }
    for (const value of [5, '5', null, undefined, {}, true]) {
      expect(() => new DatetimeMS(value as Wrong)).to.throw(TypeError);
    }
  });
});

/** Of each kind of place that a date can have. */
function documentWith(date: unknown): Document {
  return {
    _id: date,
    list: [1, date, [date]],
    inner: { date, list: [{ date }] },
    code: new Code('x', { date }),
    reference: new DBRef('c', date as ObjectId, 'd', { date }),
    tab: '\t\0\t',
    bytes: Buffer.from([9, 65, 0, 255, 255, 255, 255, 1, 2, 3, 4, 0, 9]),
  };
}

function datesOf({ _id, list, inner, code, reference }: Document): unknown[] {
  const { oid, fields } = reference as DBRef;
  return [_id, list[1], list[2][0], inner.date, inner.list[0].date, code.scope.date, oid, fields.date];
}

describe('datetime_conversion', () => {
  const things = freshAsyncIOCollection();
  const as = (datetime_conversion: DatetimeConversion, document_class = Object as never) =>
    things().with_options({ codec_options: { datetime_conversion, document_class } });

  eachForm((call) => {
    for (const moment of [LAST + 1n, -LAST - 1n, LARGEST, -LARGEST - 1n, 2n ** 53n + 1n, -(2n ** 60n) - 1n]) {
      it(`${moment}: an error, clamped, or a DatetimeMS, and matched by a query`, async () => {
        const date = new DatetimeMS(moment);
        await call(things(), 'insert_one', documentWith(date));
        const clamped = new Date(Number(moment < 0n ? -LAST : LAST));
        for (const [conversion, expected] of [
          [DATETIME_AUTO, date],
          [DATETIME_MS, date],
          [DATETIME_CLAMP, clamped],
        ] as const) {
          const found = (await call(as(conversion), 'find_one', date)) as Document;
          expect(datesOf(found)).to.deep.equal(Array(8).fill(expected));
          expect(await call(as(conversion).find({ 'inner.date': date }), 'to_list')).to.deep.equal([found]);
          expect(await call(as(conversion), 'distinct', 'inner.date')).to.deep.equal([expected]);
          const updated = await call(as(conversion), 'find_one_and_update', { _id: date }, { $set: { x: 1 } });
          expect((updated as Document)._id).to.deep.equal(expected);
          expect((await call(as(conversion).aggregate([]), 'next'))._id).to.deep.equal(expected);
        }
        const error = await rejection(call(as(DATETIME), 'find_one', date));
        expect(error).to.be.instanceOf(InvalidBSON);
        expect(error.message).to.include('range of Date').and.include(`find on ${things().full_name}`);
        expect((await call(things(), 'update_one', { _id: date }, { $set: { y: date } })).matched_count).to.equal(1);
        expect(await call(things(), 'count_documents', { y: date })).to.equal(1);
        expect((await call(things(), 'delete_one', { 'list.1': date })).deleted_count).to.equal(1);
      });
    }

    it('leaves dates within the range alone, but for DATETIME_MS', async () => {
      for (const moment of [0n, 1n, -1n, LAST, -LAST, 1_700_000_000_000n]) {
        const date = new Date(Number(moment));
        await call(things(), 'insert_one', documentWith(new DatetimeMS(moment)));
        for (const conversion of [DATETIME, DATETIME_AUTO, DATETIME_CLAMP]) {
          expect(datesOf((await call(as(conversion), 'find_one', date)) as Document)).to.deep.equal(
            Array(8).fill(date),
          );
        }
        const found = (await call(as(DATETIME_MS), 'find_one', date)) as Document;
        expect(datesOf(found)).to.deep.equal(Array(8).fill(new DatetimeMS(date)));
        await things().delete_one({ _id: date });
      }
    });

    it('holds in documents of another class, and in the replies of commands', async () => {
      const date = new DatetimeMS(LARGEST);
      await things().insert_one({ inner: { date } });
      const found = (await call(as(DATETIME_AUTO, SON as never), 'find_one')) as unknown as SON;
      expect((found.get('inner') as SON).get('date')).to.deep.equal(date);
      const { database, name } = things();
      const codec_options = new CodecOptions({ datetime_conversion: DATETIME_CLAMP });
      const reply = await call(database, 'command', 'distinct', name, { key: 'inner.date', codec_options });
      expect(reply.values).to.deep.equal([new Date(Number(LAST))]);
      const cursor = await call(database, 'cursor_command', 'find', name, { codec_options });
      expect((await call(cursor, 'next')).inner.date).to.deep.equal(new Date(Number(LAST)));
    });

    it('an error ends the cursor, also on the server, and leaves the connection open', async () => {
      const moments = [0n, 1n, 2n, 3n, LAST + 1n, 5n, 6n, 7n, 8n];
      await things().insert_many(moments.map((moment, _id) => ({ _id, date: new DatetimeMS(moment) })));
      const client = things().database.client;
      const commands = commandsOf(client);
      let closed = 0;
      client[ENGINE].events.on('connectionClosed', () => closed++);
      for (const [batch_size, killed] of [
        [3, 1],
        [5, 2],
      ] as const) {
        const cursor = things().find({}, { batch_size, sort: '_id' });
        if (batch_size === 3) for (const _id of [0, 1, 2]) expect(await call(cursor, 'next')).to.include({ _id });
        expect(await rejection(call(cursor, 'next'))).to.be.instanceOf(InvalidBSON);
        expect([cursor.alive, await call(cursor, 'to_list')]).to.deep.equal([false, []]);
        await eventually(
          () => commands.filter((command) => 'killCursors' in command).length === killed,
          'it is killed',
        );
      }
      expect(closed).to.equal(0);
    });
  });

  it('finds a date beyond the range behind values of every type, and behind what looks like such a date', async () => {
    const looksSo = '\t\0aaaaaaaa\t';
    const values = [
      ...[
        new Double(9),
        looksSo,
        { '\t': 9 },
        [9, 9],
        Buffer.from(`${looksSo}a`),
        new ObjectId(`${'09'.repeat(11)}00`),
        true,
      ],
      ...[new Date(9), null, new BSONRegExp('\t', 'i'), new Code('\t'), new BSONSymbol('\t'), new Int32(0x09000900)],
      ...[new Code('\t', { nine: new Int32(9) }), new Timestamp({ t: 9, i: 9 }), Long.fromString('650837120000001')],
      ...[Decimal128.fromString('9E9'), new MinKey(), new MaxKey(), new Int32(9), 'end'],
    ];
    await things().insert_many([
      { _id: 1, values },
      { _id: 2, values, date: new DatetimeMS(LARGEST) },
      { _id: 3, values: [...values, { date: new DatetimeMS(-LARGEST) }] },
    ]);
    await as(DATETIME).find_one({ _id: 1 });
    for (const _id of [2, 3]) expect(await rejection(as(DATETIME).find_one({ _id }))).to.be.instanceOf(InvalidBSON);
    const [, second, third] = await as(DATETIME_AUTO).find().sort('_id').to_list();
    expect(second?.date).to.deep.equal(new DatetimeMS(LARGEST));
    expect(third?.values.at(-1)).to.deep.equal({ date: new DatetimeMS(-LARGEST) });
    // Each alone in front of the date, so that one that were stepped over wrongly would hide it.
    for (const [index, value] of values.entries()) {
      const _id = 10 + index;
      await things().insert_one({ _id, nine: new Int32(9), value, date: new DatetimeMS(LARGEST) });
      expect(await rejection(as(DATETIME).find_one({ _id })), String(index)).to.be.instanceOf(InvalidBSON);
      await things().update_one({ _id }, { $set: { date: new Date(0) } });
      await as(DATETIME).find_one({ _id });
    }
  });

  it('megabytes that look like the beginning of dates are read as fast as others', async () => {
    const text = '\t'.repeat(8_000_000);
    await things().insert_one({ _id: 1, text, date: new DatetimeMS(LARGEST) });
    const found = await as(DATETIME_AUTO).find_one({ _id: 1 });
    expect(found?.date).to.deep.equal(new DatetimeMS(LARGEST));
    expect(found?.text).to.have.length(text.length);
  });

  it('is an option of the client: a constant, a name, or a part of the connection string', async () => {
    const conversionOf = (options: object, query = '') =>
      newAsyncIOClient(`${server().uri}/?${query}`, { ...options }).codec_options.datetime_conversion;
    expect(conversionOf({})).to.equal(DATETIME);
    expect(conversionOf({ datetime_conversion: null })).to.equal(DATETIME);
    expect(conversionOf({ datetime_conversion: DATETIME_CLAMP })).to.equal(DATETIME_CLAMP);
    expect(conversionOf({ datetime_conversion: 'datetime_ms' })).to.equal(DATETIME_MS);
    expect(conversionOf({}, 'datetime_conversion=DATETIME_AUTO')).to.equal(DATETIME_AUTO);
    expect(conversionOf({}, 'datetime_conversion=2')).to.equal(DATETIME_CLAMP);
    expect(conversionOf({ datetime_conversion: DATETIME_MS }, 'datetime_conversion=datetime')).to.equal(DATETIME_MS);
    for (const wrong of ['never', '5', '', 0, 5]) {
      expect(() => conversionOf({ datetime_conversion: wrong })).to.throw(ValueError, 'datetime_conversion');
    }
    for (const wrong of [1.5, {}, true]) {
      expect(() => conversionOf({ datetime_conversion: wrong })).to.throw(TypeError, 'datetime_conversion');
    }

    await things().insert_one({ _id: new DatetimeMS(LARGEST) });
    const client = newAsyncIOClient(server(), { datetime_conversion: 'datetime_auto' });
    const found = await client.get_database(things().database.name).get_collection(things().name).find_one();
    expect(found).to.deep.equal({ _id: new DatetimeMS(LARGEST) });
  });
});

/** `<…>` in the server's reply becomes bytes: what it stored is not what it should have stored. */
function spoilt(...bytes: number[]): Action {
  return async (exchange) => {
    const reply = (await exchange.forward()) as Buffer;
    const mark = `<${'.'.repeat(bytes.length - 2)}>`;
    for (let at = reply.indexOf(mark); at >= 0; at = reply.indexOf(mark)) reply.set(bytes, at);
    await exchange.send(reply);
  };
}

describe('unicode_decode_error_handler', () => {
  const things = freshAsyncIOCollection();

  async function spoiltCollection(...bytes: number[]): Promise<AsyncIOMotorCollection> {
    const text = `a<${'.'.repeat(bytes.length - 2)}>ü€😀z`;
    await things().insert_one({ _id: text, list: [{ text }], code: new Code(text, { text }), plain: 'ü' });
    const proxy = await newProxy();
    proxy.on('find', spoilt(...bytes), Number.POSITIVE_INFINITY);
    return newAsyncIOClient(proxy).get_database(things().database.name).get_collection(things().name);
  }

  eachForm((call) => {
    for (const [handler, bytes, expected] of [
      ['replace', [0xff, 0x41], '\ufffdA'],
      ['ignore', [0xff, 0x41, 0xc3], 'A'],
      ['ignore', [0xe2, 0x82, 0xf0, 0x9f], ''],
      ['backslashreplace', [0xe2, 0x82, 0x41], '\\xe2\\x82A'],
      ['backslashreplace', [0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
      ['surrogateescape', [0x80, 0xff], '\udc80\udcff'],
    ] as const) {
      it(`${handler}: ${Buffer.from(bytes).toString('hex')}`, async () => {
        const collection = (await spoiltCollection(...bytes)).with_options({
          codec_options: { unicode_decode_error_handler: handler },
        });
        const text = `a${expected}ü€😀z`;
        const found = await call(collection, 'find_one');
        expect(found).to.deep.equal({ _id: text, list: [{ text }], code: new Code(text, { text }), plain: 'ü' });
      });
    }

    it('strict: InvalidBSON, and the connection stays', async () => {
      const collection = await spoiltCollection(0xff, 0xff);
      const error = await rejection(call(collection, 'find_one'));
      expect(error).to.be.instanceOf(InvalidBSON);
      expect(error.message).to.include('UTF-8').and.include('find on');
      expect(await call(collection, 'count_documents', {})).to.equal(1);
      expect(countsOf(collection.database.client).open).to.equal(1);
    });
  });

  it('a regular expression that JavaScript does not know: InvalidBSON, and the connection stays', async () => {
    await things().insert_one({ _id: 1, pattern: new Regex('(?i)a(?#comment)') });
    const error = await rejection(things().find_one(1));
    expect(error).to.be.instanceOf(InvalidBSON);
    expect(error.message).to.include('regular expression').and.include(`find on ${things().full_name}`);
    expect(error.message).not.to.include('comment');
    expect(await things().find_one(1, { projection: ['_id'] })).to.deep.equal({ _id: 1 });
    expect(countsOf(things().database.client).open).to.equal(1);
  });

  it('is an option of the client and of CodecOptions; an unknown one is a ValueError', () => {
    const handlerOf = (query: string, options = {}) =>
      newAsyncIOClient(`${server().uri}/?${query}`, options).codec_options.unicode_decode_error_handler;
    expect(handlerOf('')).to.equal('strict');
    expect(handlerOf('unicode_decode_error_handler=ignore')).to.equal('ignore');
    expect(handlerOf('', { unicode_decode_error_handler: 'surrogateescape' })).to.equal('surrogateescape');
    for (const wrong of ['xmlcharrefreplace', 'STRICT', '']) {
      expect(() => handlerOf('', { unicode_decode_error_handler: wrong })).to.throw(ValueError);
      expect(() => new CodecOptions({ unicode_decode_error_handler: wrong as Wrong })).to.throw(ValueError);
    }
    for (const wrong of [5, {}, true]) {
      expect(() => handlerOf('', { unicode_decode_error_handler: wrong })).to.throw(TypeError);
      expect(() => new CodecOptions({ unicode_decode_error_handler: wrong as Wrong })).to.throw(TypeError);
    }
  });
});
