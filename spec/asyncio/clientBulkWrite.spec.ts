import { inspect } from 'node:util';
import { calculateObjectSize, type Document, Int32 } from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorClient,
  AutoReconnect,
  ClientBulkWriteException,
  ClientBulkWriteResult,
  ConfigurationError,
  DeleteMany,
  DeleteOne,
  DocumentTooLarge,
  InsertOne,
  InsertOneResult,
  InvalidDocument,
  InvalidName,
  InvalidOperation,
  OperationFailure,
  ReplaceOne,
  UpdateMany,
  UpdateOne,
  ValueError,
} from '../../lib/asyncio/index';
import {
  connectedToPrimary,
  countsOf,
  DATABASE,
  eachForm,
  freshAsyncIOCollection,
  newAsyncIOClient,
  newProxy,
  newStandalone,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, rewriteReply } from '../support/faults';
import { lsidOf } from '../support/playedServer';
import type { FaultProxy, SeenCommand } from '../support/proxy';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

describe('AsyncIOMotorClient.bulk_write', () => {
  const things = freshAsyncIOCollection();
  const others = freshAsyncIOCollection();
  /** Where operations write: there are two collections. */
  const inThings = () => ({ namespace: things().full_name });
  const inOthers = () => ({ namespace: others().full_name });
  const client = () => things().database.client as AsyncIOMotorClient;
  const idsIn = async (coll: typeof things): Promise<unknown[]> =>
    (await coll().find({}, { sort: '_id' }).to_list()).map(({ _id }) => _id);

  /** A proxy whose server has other limits, and a client of it. */
  async function limited(limits: Readonly<Record<string, number>>): Promise<{
    proxy: FaultProxy;
    client: AsyncIOMotorClient;
  }> {
    const proxy = await newProxy();
    const said = Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, new Int32(limit)]));
    proxy.on(
      'hello',
      rewriteReply((reply) => ({ ...reply, ...said })),
      Infinity,
    );
    return { proxy, client: newAsyncIOClient(proxy) };
  }

  /** Operations and namespaces of each command. */
  const shapesOf = (commands: readonly Document[]) => commands.map(({ ops, nsInfo }) => [ops.length, nsInfo.length]);

  eachForm((call) => {
    it('writes of all kinds over several collections, in one command', async () => {
      await others().insert_many([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
      const commands = commandsOf(client());
      const result: ClientBulkWriteResult = await call(client(), 'bulk_write', [
        new InsertOne({ _id: 1 }, inThings()),
        new UpdateMany({}, { $set: { seen: true } }, inOthers()),
        new UpdateOne({ _id: 9 }, { $set: { a: 1 } }, { upsert: true, ...inThings() }),
        new ReplaceOne({ _id: 1 }, { b: 1 }, inThings()),
        new DeleteOne({ _id: 1 }, inOthers()),
        new DeleteMany({ seen: true }, inOthers()),
      ]);
      expect(result).to.be.instanceOf(ClientBulkWriteResult).and.include({
        inserted_count: 1,
        matched_count: 4,
        modified_count: 4,
        upserted_count: 1,
        deleted_count: 3,
        acknowledged: true,
        has_verbose_results: false,
      });
      for (const name of ['insert_results', 'update_results', 'delete_results'] as const) {
        expect(() => result[name]).to.throw(InvalidOperation, name);
      }
      expect(String(result)).to.include('deleted_count: 3').and.not.include('_results: Map');
      expect(commands).to.have.length(1);
      expect(commands[0]).to.include({ bulkWrite: 1, errorsOnly: true, ordered: true, $db: 'admin' });
      expect(commands[0]?.nsInfo).to.deep.equal([{ ns: things().full_name }, { ns: others().full_name }]);
      expect(await things().find({}, { sort: '_id' }).to_list()).to.deep.equal([
        { _id: 1, b: 1 },
        { _id: 9, a: 1 },
      ]);
      expect(await idsIn(others)).to.deep.equal([]);
    });

    it('verbose, tells what became of each operation', async () => {
      await things().insert_many([{ _id: 1 }, { _id: 2 }]);
      const document: Document = { a: 1 };
      const result: ClientBulkWriteResult = await call(
        client(),
        'bulk_write',
        [
          new InsertOne(document, inOthers()),
          new UpdateMany({}, { $set: { a: 1 } }, inThings()),
          new UpdateOne({ _id: 'new' }, { $set: { a: 1 } }, { upsert: true, ...inThings() }),
          new DeleteMany({ _id: { $in: [1, 2] } }, inThings()),
        ],
        { verbose_results: true },
      );
      expect(result.has_verbose_results).to.equal(true);
      expect([...result.insert_results.keys()]).to.deep.equal([0]);
      expect(result.insert_results.get(0)).to.be.instanceOf(InsertOneResult);
      expect(result.insert_results.get(0)?.inserted_id).to.equal(document._id);
      expect([...result.update_results.keys()]).to.deep.equal([1, 2]);
      expect(result.update_results.get(1)).to.include({ matched_count: 2, modified_count: 2, upserted_id: null });
      // Unlike that of update_one, which does not count what it upserted.
      expect(result.update_results.get(2)).to.include({ matched_count: 1, upserted_id: 'new', did_upsert: true });
      expect([...result.delete_results]).to.have.length(1);
      expect(result.delete_results.get(3)?.deleted_count).to.equal(2);
      expect(String(result)).to.include('has_verbose_results: true').and.include('delete_results: Map');
      expect(await others().find().to_list()).to.deep.equal([document]);
    });

    it('ordered stops at the first failure, and tells what was done', async () => {
      await others().insert_one({ _id: 1 });
      const error = (await rejection(
        call(
          client(),
          'bulk_write',
          [
            new InsertOne({ _id: 1 }, inThings()),
            new InsertOne({ _id: 1, secret: 'hush' }, inOthers()),
            new InsertOne({ _id: 2 }, inThings()),
          ],
          { verbose_results: true },
        ),
      )) as ClientBulkWriteException;
      expect(error).to.be.instanceOf(ClientBulkWriteException).and.be.instanceOf(OperationFailure);
      expect(error).to.include({ code: 65, error: null, timeout: false });
      expect(error.write_errors).to.have.length(1);
      expect(error.write_errors[0]).to.deep.include({
        idx: 1,
        code: 11000,
        op: { insert: others().full_name, document: { _id: 1, secret: 'hush' } },
      });
      expect(error.write_concern_errors).to.deep.equal([]);
      expect(error.message).to.include('1 of 3 operations failed').and.include(`insert on ${others().full_name}`);
      expect(error.message).to.not.include('dup key: {');
      expect(inspect(error, { depth: null })).to.not.include('hush');
      expect((error.cause as OperationFailure).name).to.equal('DuplicateKeyError');
      expect(error.partial_result).to.be.instanceOf(ClientBulkWriteResult).and.include({ inserted_count: 1 });
      expect(error.partial_result?.insert_results.get(0)?.inserted_id).to.equal(1);
      expect(await idsIn(things)).to.deep.equal([1]);
    });

    it('unordered tries all', async () => {
      const { client, proxy } = await limited({ maxWriteBatchSize: 2 });
      await things().insert_one({ _id: 1 });
      await others().insert_one({ _id: 3 });
      const error = (await rejection(
        call(
          client,
          'bulk_write',
          [
            new InsertOne({ _id: 1 }, inThings()),
            new InsertOne({ _id: 2 }, inThings()),
            new InsertOne({ _id: 3 }, inOthers()),
            new InsertOne({ _id: 4 }, inOthers()),
            new InsertOne({ _id: 5 }, inThings()),
          ],
          { ordered: false },
        ),
      )) as ClientBulkWriteException;
      expect(error.write_errors.map(({ idx, code }) => [idx, code])).to.deep.equal([
        [0, 11000],
        [2, 11000],
      ]);
      expect(error.partial_result?.inserted_count).to.equal(3);
      expect(() => error.partial_result?.insert_results).to.throw(InvalidOperation);
      expect(proxy.count('bulkWrite')).to.equal(3);
      expect(await idsIn(things)).to.deep.equal([1, 2, 5]);
      expect(await idsIn(others)).to.deep.equal([3, 4]);
    });

    it('knows no partial result where nothing was done', async () => {
      await things().insert_one({ _id: 1 });
      for (const ordered of [true, false]) {
        const again = call(client(), 'bulk_write', [new InsertOne({ _id: 1 }, inThings())], { ordered });
        expect(await rejection(again)).to.include({ partial_result: null });
      }
    });

    it('refuses what is no list of operations with namespaces, before anything is sent', async () => {
      const good = () => new InsertOne({ _id: 1 }, inThings());
      const commands = commandsOf(client());
      const cases: [unknown, abstract new (...args: never[]) => Error, string][] = [
        [null, TypeError, 'models'],
        [{}, TypeError, 'models'],
        [new Set([good()]), TypeError, 'models'],
        [[good(), {}], TypeError, 'models'],
        [[], InvalidOperation, 'nothing to do'],
        [[good(), new InsertOne({})], InvalidOperation, 'InsertOne has no namespace'],
        [[new DeleteOne({}, { namespace: null })], InvalidOperation, 'DeleteOne has no namespace'],
        [[new DeleteMany({}, { namespace: '' })], InvalidOperation, 'DeleteMany has no namespace'],
        [[good(), new UpdateOne({}, { $set: { a: 1 } }, { namespace: 'nodot' })], ValueError, 'UpdateOne'],
        [[good(), new ReplaceOne({}, {}, { namespace: '.c' })], InvalidName, 'database'],
        [[good(), new ReplaceOne({}, {}, { namespace: 'd.' })], InvalidName, 'collection'],
        [[good(), new UpdateMany({}, { a: 1 }, inThings())], ValueError, 'UpdateMany'],
        [[good(), new InsertOne(5 as never, inThings())], TypeError, 'InsertOne'],
        [[good(), new DeleteOne({ a: () => 1 }, inThings())], InvalidDocument, 'function'],
      ];
      for (const [models, ErrorClass, words] of cases) {
        const error = await rejection(call(client(), 'bulk_write', models));
        expect(error).to.be.instanceOf(ErrorClass);
        expect(error.message).to.include(words);
      }
      expect(() => new InsertOne({}, { namespace: 5 as never })).to.throw(TypeError, 'namespace');
      expect(commands).to.deep.equal([]);
    });

    it('w: 0 is neither ordered nor verbose, and tells nothing', async () => {
      const models = () => [new InsertOne({ _id: 1 }, inThings()), new InsertOne({ _id: 2 }, inOthers())];
      const w0 = { write_concern: { w: 0 } };
      for (const wrong of [{}, { ordered: true }, { ordered: false, verbose_results: true }]) {
        const refused = call(client(), 'bulk_write', models(), { ...w0, ...wrong });
        expect(await rejection(refused)).to.be.instanceOf(InvalidOperation);
      }
      const collated = [new DeleteOne({}, { collation: { locale: 'en' }, ...inThings() })];
      const refused = call(client(), 'bulk_write', collated, { ...w0, ordered: false });
      expect(await rejection(refused)).to.be.instanceOf(ConfigurationError);

      const result: ClientBulkWriteResult = await call(client(), 'bulk_write', models(), { ...w0, ordered: false });
      expect(result).to.include({ acknowledged: false, has_verbose_results: false });
      for (const name of ['inserted_count', 'upserted_count', 'deleted_count', 'insert_results'] as const) {
        expect(() => result[name]).to.throw(InvalidOperation, name);
      }
      expect(String(result)).to.equal('ClientBulkWriteResult({ has_verbose_results: false, acknowledged: false })');
      await eventually(async () => (await idsIn(others)).length === 1, 'all is written');
      expect(await idsIn(things)).to.deep.equal([1]);
    });

    it('splits by count: each command has its own namespaces, all results one numbering', async () => {
      const { client } = await limited({ maxWriteBatchSize: 2 });
      const commands = commandsOf(client);
      const result: ClientBulkWriteResult = await call(
        client,
        'bulk_write',
        [
          new InsertOne({ _id: 1 }, inThings()),
          new InsertOne({ _id: 2 }, inThings()),
          new InsertOne({ _id: 3 }, inOthers()),
          new DeleteOne({ _id: 1 }, inThings()),
          new UpdateOne({ _id: 3 }, { $set: { a: 1 } }, inOthers()),
        ],
        { verbose_results: true },
      );
      expect(shapesOf(commands)).to.deep.equal([
        [2, 1],
        [2, 2],
        [1, 1],
      ]);
      expect(commands[1]?.ops.map(({ insert, delete: removed }: Document) => insert ?? removed)).to.deep.equal([0, 1]);
      expect(commands[1]?.nsInfo).to.deep.equal([{ ns: others().full_name }, { ns: things().full_name }]);
      expect([...result.insert_results.keys()]).to.deep.equal([0, 1, 2]);
      expect([...result.delete_results.keys()]).to.deep.equal([3]);
      expect([...result.update_results.keys()]).to.deep.equal([4]);
      expect(result).to.include({ inserted_count: 3, deleted_count: 1, modified_count: 1 });
    });

    it('ordered sends no more batches after a failure', async () => {
      const { client, proxy } = await limited({ maxWriteBatchSize: 1 });
      const models = [1, 2, 2, 3].map((_id) => new InsertOne({ _id }, inThings()));
      const error = (await rejection(call(client, 'bulk_write', models))) as ClientBulkWriteException;
      expect(error.write_errors.map(({ idx }) => idx)).to.deep.equal([2]);
      expect(error.partial_result?.inserted_count).to.equal(2);
      expect(proxy.count('bulkWrite')).to.equal(3);
    });

    it('splits by bytes, to the byte', async () => {
      const limit = 100_000;
      const { client } = await limited({ maxMessageSizeBytes: limit });
      const commands = commandsOf(client);
      const sizeOfOp = (document: Document) => calculateObjectSize({ insert: 0, document });
      const small = () => ({ _id: 'small' });
      const around = calculateObjectSize({ bulkWrite: 1, errorsOnly: true, ordered: true });
      const left =
        limit - 1000 - around - calculateObjectSize({ ns: things().full_name }) - sizeOfOp({ _id: 'big', text: '' });
      const big = (length: number) => ({ _id: 'big', text: 'x'.repeat(length) });
      const run = async (length: number, second: { namespace: string }) => {
        await client.bulk_write([new DeleteMany({}, inThings()), new DeleteMany({}, inOthers())]);
        commands.length = 0;
        await call(client, 'bulk_write', [new InsertOne(big(length), inThings()), new InsertOne(small(), second)]);
        return shapesOf(commands);
      };
      const both = left - sizeOfOp(small());
      expect(await run(both, inThings())).to.deep.equal([[2, 1]]);
      expect(await run(both + 1, inThings())).to.deep.equal([
        [1, 1],
        [1, 1],
      ]);
      expect(await run(both, inOthers())).to.deep.equal([
        [1, 1],
        [1, 1],
      ]);
      expect(await run(both - calculateObjectSize({ ns: others().full_name }), inOthers())).to.deep.equal([[2, 2]]);
    });

    it('refuses an operation that is too large before it is sent', async () => {
      const text = 'x'.repeat(17 * 1024 * 1024);
      await things().find_one();
      const commands = commandsOf(client());
      for (const model of [new InsertOne({ text }, inThings()), new ReplaceOne({}, { text }, inThings())]) {
        const error = await rejection(call(client(), 'bulk_write', [model]));
        expect(error).to.be.instanceOf(DocumentTooLarge);
        expect(error.message).to.include('operation 1 of 1').and.include(`on ${things().full_name}`);
      }
      expect(commands).to.deep.equal([]);
      const models = [new InsertOne({ _id: 1 }, inOthers()), new InsertOne({ text }, inThings())];
      const error = (await rejection(call(client(), 'bulk_write', models))) as ClientBulkWriteException;
      expect(error.error).to.be.instanceOf(DocumentTooLarge);
      expect(error.partial_result).to.include({ inserted_count: 1 });
    });

    it('refuses an operation that no message has room for', async () => {
      const { client, proxy } = await limited({ maxMessageSizeBytes: 100_000 });
      const model = new InsertOne({ text: 'x'.repeat(100_000) }, inThings());
      expect(await rejection(call(client, 'bulk_write', [model]))).to.be.instanceOf(DocumentTooLarge);
      expect(proxy.count('bulkWrite')).to.equal(0);
    });

    it('needs MongoDB 8.0', async () => {
      const { client, proxy } = await limited({ maxWireVersion: 24 });
      const error = await rejection(call(client, 'bulk_write', [new InsertOne({}, inThings())]));
      expect(error).to.be.instanceOf(InvalidOperation);
      expect(error.message).to.include('MongoDB 8.0').and.include(proxy.address);
      expect(proxy.count('bulkWrite')).to.equal(0);
    });

    it('a failure of the whole command is the error of the exception', async () => {
      const { client, proxy } = await limited({ maxWriteBatchSize: 1 });
      const models = () => [new InsertOne({}, inThings()), new InsertOne({}, inThings())];
      proxy.on('bulkWrite', answer({ ok: 0, code: 50, errmsg: 'too slow', errorLabels: ['Label'] }));
      const error = (await rejection(call(client, 'bulk_write', models()))) as ClientBulkWriteException;
      expect(error).to.be.instanceOf(ClientBulkWriteException).and.include({ partial_result: null, timeout: true });
      expect(error.error).to.include({ name: 'ExecutionTimeout', code: 50 }).and.equal(error.cause);
      expect(error.has_error_label('Label')).to.equal(true);
      expect(error.message).to.include('too slow').and.include(proxy.address);

      // The second of two.
      proxy.on(
        (command) => command.name === 'bulkWrite',
        rewriteReply((reply) => reply),
      );
      proxy.on('bulkWrite', closeFirst());
      const broken = (await rejection(call(client, 'bulk_write', models()))) as ClientBulkWriteException;
      expect(broken.error).to.be.instanceOf(AutoReconnect);
      expect(broken.partial_result).to.include({ inserted_count: 1 });
    });
  });

  it('passes on let, comment, bypass_document_validation, write_concern, and what operations know besides', async () => {
    await client().bulk_write([new InsertOne({ _id: 1, marks: [1, 5] }, inThings())]);
    const commands = commandsOf(client());
    const options = { let: { who: 1 }, comment: 'why', bypass_document_validation: false, write_concern: { w: 1 } };
    const result = await client().bulk_write(
      [
        new UpdateOne(
          { $expr: { $eq: ['$_id', '$$who'] } },
          { $set: { 'marks.$[high]': 6 } },
          { array_filters: [{ high: { $gte: 5 } }], hint: '_id_', sort: [['_id', -1]], ...inThings() },
        ),
        new DeleteOne({ _id: 'X' }, { collation: { locale: 'en' }, hint: { _id: 1 }, ...inThings() }),
      ],
      options,
    );
    expect(result.modified_count).to.equal(1);
    const { bypass_document_validation: bypassDocumentValidation, write_concern: writeConcern, ...same } = options;
    expect(commands[0]).to.deep.include({ ...same, bypassDocumentValidation, writeConcern });
    expect(await things().find_one()).to.deep.equal({ _id: 1, marks: [1, 6] });
  });

  it('puts missing _ids into the documents of the caller, and first into what is sent', async () => {
    const commands = commandsOf(client());
    const documents: Document[] = Array.from({ length: 300 }, (_, i) => ({ i, ...(i % 3 === 0 ? { _id: i } : {}) }));
    await client().bulk_write(documents.map((document) => new InsertOne(document, inThings())));
    expect(await things().find({}, { sort: 'i' }).to_list()).to.deep.equal(documents);
    for (const { document } of commands[0]?.ops.slice(1, 3) ?? [])
      expect(Object.keys(document)).to.deep.equal(['_id', 'i']);
  });

  it('sends many operations over many collections at once', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `${things().full_name}_${i}`);
    const { client, proxy } = await limited({});
    const models = Array.from(
      { length: 100_001 },
      (_, i) => new DeleteOne({ _id: i }, { namespace: names[i % 40] as string }),
    );
    expect(await client.bulk_write(models)).to.include({ deleted_count: 0, acknowledged: true });
    expect(proxy.count('bulkWrite')).to.equal(2);
  });

  describe('whose results are more than one batch', () => {
    const models = () =>
      ['a', 'b', 'c'].map(
        (letter) =>
          new UpdateOne({ _id: letter.repeat(8 * 1024 * 1024) }, { $set: { a: 1 } }, { upsert: true, ...inThings() }),
      );
    const VERBOSE = { verbose_results: true, comment: 'why' };
    const seen = (proxy: FaultProxy, name: string) =>
      proxy.commands.filter((one) => one.name === name) as SeenCommand[];

    it('reads them all, on the session of the command', async () => {
      const played = await newStandalone();
      const result = await newAsyncIOClient(played).bulk_write(models(), VERBOSE);
      expect([...result.update_results.keys()]).to.deep.equal([0, 1, 2]);
      expect(result.update_results.get(2)?.upserted_id).to.have.length(8 * 1024 * 1024);
      const [command] = seen(played, 'bulkWrite');
      const further = seen(played, 'getMore');
      expect(further).to.have.length.greaterThan(0);
      for (const getMore of further) {
        expect(lsidOf(getMore))
          .to.be.a('string')
          .that.equals(lsidOf(command as SeenCommand));
        expect(getMore.document).to.include({ collection: '$cmd.bulkWrite', comment: 'why' });
      }
      expect(played.count('killCursors')).to.equal(0);
    });

    for (const [what, fault, ErrorClass] of [
      ['the server fails', answer({ ok: 0, code: 8, errmsg: 'no more' }), OperationFailure],
      ['the connection breaks', closeFirst(), AutoReconnect],
    ] as const) {
      it(`tells what it knows, and kills the cursor, where ${what}`, async () => {
        const played = await newStandalone();
        const client = newAsyncIOClient(played);
        played.on('getMore', fault);
        const error = (await rejection(client.bulk_write(models(), VERBOSE))) as ClientBulkWriteException;
        expect(error.error).to.be.instanceOf(ErrorClass);
        expect(error.partial_result?.upserted_count).to.equal(3);
        expect(error.partial_result?.update_results.size).to.be.within(1, 2);
        await eventually(() => played.count('killCursors') === 1, 'the cursor is killed');
        const [getMore] = seen(played, 'getMore');
        const [kill] = seen(played, 'killCursors');
        expect(kill?.document.cursors).to.deep.equal([getMore?.document.getMore]);
        expect(kill?.document.killCursors).to.equal('$cmd.bulkWrite');
        expect(lsidOf(kill as SeenCommand)).to.equal(lsidOf(getMore as SeenCommand));
        await eventually(() => countsOf(client).checkedOut === 0, 'nothing is checked out');
      });
    }
  });

  it('is retried batch by batch, as far as each holds single writes only', async () => {
    const { primary, client } = await connectedToPrimary(things(), {}, { maxWriteBatchSize: 2 });
    const inSet = { namespace: `${DATABASE}.${things().name}` };
    primary.on(({ document }) => document.ops?.[0].insert === 0 && document.ops[0].document._id === 3, closeFirst());
    const result = await client.bulk_write([
      new InsertOne({ _id: 1 }, inSet),
      new UpdateOne({ _id: 1 }, { $set: { a: 1 } }, inSet),
      new UpdateMany({}, { $set: { b: 1 } }, inSet),
      new DeleteOne({ _id: 9 }, inSet),
      new InsertOne({ _id: 3 }, inSet),
    ]);
    expect(result).to.include({ inserted_count: 2, modified_count: 2 });
    const sent = primary.operations.filter(({ name }) => name === 'bulkWrite');
    const numbers = sent.map(({ document }) => document.txnNumber ?? null);
    expect(numbers).to.have.length(4);
    expect(numbers[0]).to.be.a('number');
    expect(numbers[1]).to.equal(null);
    expect(numbers[2]).to.be.a('number').that.equals(numbers[3]);
  });
});
