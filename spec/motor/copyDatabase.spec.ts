import { inspect } from 'node:util';
import { BSONType, Double, Long } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  ConnectionFailure,
  DuplicateKeyError,
  InvalidName,
  type MotorClient,
  type MotorDatabase,
  OperationFailure,
  SON,
} from '../../lib/index';
import { eachForm, newClient, newProxy, uniqueName } from '../support/clients';
import { answer, closeFirst } from '../support/faults';
import { server } from '../support/hooks';
import { requireLogin } from '../support/login';
import { rejection } from '../support/rejection';

describe('MotorClient.copy_database', () => {
  let names: string[] = [];
  let client: MotorClient;
  let source: MotorDatabase;

  /** A database that is dropped after the test. */
  function newName(): string {
    const name = `copy_${uniqueName()}`;
    names.push(name);
    return name;
  }

  beforeEach(async () => {
    client = newClient();
    source = client.get_database(newName());
    await source.get_collection('plain').insert([{ _id: 2, a: 1 }, { _id: 1, a: 2 }, { _id: 'x' }]);
  });
  afterEach(async () => {
    const other = newClient();
    for (const name of names) await other.drop_database(name);
    names = [];
  });

  const all = (database: MotorDatabase, name: string) => database.get_collection(name).find().sort('_id').to_list(null);

  eachForm((call) => {
    it('copies documents, options, indexes and views', async () => {
      await source.create_collection('capped', { capped: true, size: 4096, max: 10 });
      await source.get_collection('capped').insert([{ _id: 3 }, { _id: 1 }, { _id: 2 }]);
      await source.get_collection('plain').create_index([['a', -1]], { unique: true, name: 'by_a' });
      await source.command('create', 'seen', { viewOn: 'plain', pipeline: [{ $match: { a: 2 } }] });
      await source.create_collection('empty');

      const name = newName();
      expect(await call(client, 'copy_database', source.name, name)).to.deep.equal({ ok: 1 });
      const copy = client.get_database(name);
      expect(await copy.collection_names(false)).to.have.members(['plain', 'capped', 'seen', 'empty']);
      expect(await all(copy, 'plain')).to.deep.equal(await all(source, 'plain'));
      expect(await copy.get_collection('plain').index_information()).to.deep.equal(
        await source.get_collection('plain').index_information(),
      );
      expect(await copy.get_collection('capped').options()).to.deep.equal({ capped: true, size: 4096, max: 10 });
      const inOrder = await copy.get_collection('capped').find().to_list(null);
      expect(inOrder.map(({ _id }) => _id)).to.deep.equal([3, 1, 2]);
      expect(await all(copy, 'seen')).to.deep.equal([{ _id: 1, a: 2 }]);
    });
  });

  it('changes no document: neither order of keys, nor types, nor what JavaScript cannot hold', async () => {
    const odd = source.get_collection('odd');
    await odd.insert(
      new SON([
        ['_id', 1],
        ['b', 1],
        ['10', 'ten'],
        ['2', 'two'],
        ['long', Long.fromNumber(7)],
        ['double', new Double(7)],
      ]),
    );
    const name = newName();
    await client.copy_database(source.name, name);
    const [copied] = await client.get_database(name).get_collection('odd').find({}, { as_class: SON }).to_list(1);
    expect([...(copied as SON).keys()]).to.deep.equal(['_id', 'b', '10', '2', 'long', 'double']);
    const types = { long: { $type: BSONType.long }, double: { $type: BSONType.double } };
    expect(await client.get_database(name).get_collection('odd').find(types).count()).to.equal(1);
  });

  it('copies more than a batch, and two at once', async () => {
    const many = Array.from({ length: 2500 }, (_, _id) => ({ _id, text: 'x'.repeat(50) }));
    await source.get_collection('many').insert(many);
    const targets = [newName(), newName()];
    await Promise.all(targets.map((name) => client.copy_database(source.name, name)));
    for (const name of targets) {
      expect(await client.get_database(name).get_collection('many').count()).to.equal(2500);
    }
  });

  it('adds to what is there, and stops at an _id that is taken', async () => {
    const target = client.get_database(newName());
    await target.get_collection('plain').insert({ _id: 99 });
    await client.copy_database(source.name, target.name);
    expect(await target.get_collection('plain').count()).to.equal(4);
    expect(await rejection(client.copy_database(source.name, target.name))).to.be.instanceOf(DuplicateKeyError);
  });

  it('copies nothing from a database that does not exist', async () => {
    const name = newName();
    expect(await client.copy_database(newName(), name)).to.deep.equal({ ok: 1 });
    expect(await client.database_names()).not.to.include(name);
  });

  it('copies from another server, whose connections it closes', async () => {
    const proxy = await newProxy();
    const name = newName();
    expect(await client.copy_database(source.name, name, { from_host: proxy.address })).to.deep.equal({ ok: 1 });
    expect(await all(client.get_database(name), 'plain')).to.have.length(3);
    expect(proxy.names).to.include('find').and.not.include('insert');
  });

  it('tells of a server that is not there', async () => {
    for (const callback of [false, true]) {
      const run = () => client.copy_database(source.name, newName(), { from_host: '127.0.0.1:1' });
      const error = callback
        ? await new Promise((resolve) =>
            client.copy_database(source.name, newName(), { from_host: '127.0.0.1:1' }, (_result, failure) =>
              resolve(failure),
            ),
          )
        : await rejection(run());
      expect(error).to.be.instanceOf(ConnectionFailure);
    }
  });

  it('checks its arguments before it connects', async () => {
    const nowhere = newClient('mongodb://127.0.0.1:1');
    const run = nowhere.copy_database as (...args: unknown[]) => Promise<unknown>;
    for (const args of [
      [5, 'b'],
      ['a', 5],
      [null, 'b'],
      ['a'],
      ['a', 'b', { from_host: 5 }],
      ['a', 'b', { username: 5, password: 'p' }],
      ['a', 'b', { username: 'u', password: 5 }],
      ['a', 'b', { username: 'u' }],
      ['a', 'b', { nothing: 1 }],
    ]) {
      expect(await rejection(run(...args))).to.be.instanceOf(TypeError);
    }
    for (const name of ['$foo', '', 'a.b', 'a b']) {
      expect(await rejection(run('a', name))).to.be.instanceOf(InvalidName);
    }
  });

  it('reads as a user of the database that is copied', async () => {
    await source.get_collection('few').insert({ _id: 1 });
    const proxy = await newProxy();
    const logins = requireLogin(proxy, [{ name: 'somebody', password: 'top secret', db: source.name }]);
    const target = newName();
    const kw = { from_host: proxy.address, username: 'somebody' };
    await newClient().copy_database(source.name, target, { ...kw, password: 'top secret' });
    expect(await newClient().get_database(target).get_collection('few').count()).to.equal(1);
    expect(new Set(logins.accepted)).to.deep.equal(new Set([`SCRAM-SHA-256 somebody@${source.name}`]));
    expect(inspect(proxy.commands, { depth: 20 })).not.to.include('top secret');

    const error = await rejection(newClient().copy_database(source.name, newName(), { ...kw, password: 'hush' }));
    expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
    expect(inspect(error, { depth: 9, showHidden: true })).not.to.include('hush');
  });

  it('ends when a connection breaks, and can be tried again in another place', async () => {
    await source.get_collection('many').insert(Array.from({ length: 500 }, (_, _id) => ({ _id })));
    const proxy = await newProxy();
    const other = newClient(proxy);
    for (const command of ['getMore', 'insert', 'listIndexes', 'create']) {
      proxy.clear();
      const rule = proxy.on(command, closeFirst());
      const error = await rejection(other.copy_database(source.name, newName()));
      expect(error, command).to.be.instanceOf(AutoReconnect);
      expect(rule.hits).to.equal(1);
    }
    proxy.clear();
    expect(await other.copy_database(source.name, newName())).to.deep.equal({ ok: 1 });
  });

  it('leaves it to a server that can do it, and is not sent to one that cannot a second time', async () => {
    const proxy = await newProxy();
    const other = newClient(proxy);
    proxy.on('copydb', answer({ ok: 1, by: 'the server' }));
    const target = newName();
    expect(await other.copy_database(source.name, target)).to.deep.equal({ ok: 1, by: 'the server' });
    const sent = proxy.commands.find(({ name }) => name === 'copydb')?.document;
    expect(sent).to.include({ copydb: 1, fromdb: source.name, todb: target, $db: 'admin' });
    await other.copy_database(source.name, target);
    expect(
      await other.get_database('admin').command(
        new SON([
          ['copydb', 1],
          ['fromdb', source.name],
          ['todb', newName()],
        ]),
      ),
    ).to.deep.equal({ ok: 1 });
    expect(proxy.count('copydb')).to.equal(2);
    const error = await rejection(other.get_database('admin').command({ copydb: 1, fromdb: source.name }));
    expect(error).to.be.instanceOf(OperationFailure);
    expect(server().capabilities.has('command copydb')).to.equal(false);
  });
});
