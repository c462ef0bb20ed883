import { inspect } from 'node:util';
import { expect } from 'chai';
import { AutoReconnect, ConfigurationError, type MotorClient, OperationFailure } from '../../lib/index';
import { countsOf, eachForm, newClient, newProxy, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst, loseReply } from '../support/faults';
import { type LoginRules, type Logins, requireLogin, type User } from '../support/login';
import type { FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';

const user = (name: string, db: string): User => ({ name, password: `${name} says hush`, db });
const USERS = [user('ann', 'shop'), user('bob', 'shop'), user('joe', 'stock'), user('root', 'admin')];

describe('MotorDatabase.authenticate', () => {
  let proxy: FaultProxy;
  let logins: Logins;
  /** A client of nobody, and one of the root. */
  let client: MotorClient;
  let roots: MotorClient;

  async function guard(rules: LoginRules = {}): Promise<void> {
    const inner = await newProxy();
    logins = requireLogin(inner, USERS, rules);
    proxy = await newProxy({}, inner);
    client = newClient(proxy);
    roots = newClient(`mongodb://root:root%20says%20hush@${proxy.address}`);
  }
  beforeEach(() => guard());

  const on = (database: string, of = client) => of.get_database(database).get_collection('things');
  /** Who did what, without the pings by which a password is checked. */
  const done = () => logins.passed.filter((one) => !one.endsWith(' ping'));

  eachForm((call) => {
    it('logs in, and out', async () => {
      expect(await rejection(call(on('shop'), 'find_one'))).to.have.property('code', 13);
      const shop = client.get_database('shop');
      expect(await call(shop, 'authenticate', 'ann', 'ann says hush')).to.equal(true);
      expect(await call(on('shop'), 'find_one')).to.equal(null);
      expect(await call(on('shop'), 'count')).to.equal(0);
      expect(done()).to.deep.equal(['ann@shop find', 'ann@shop count']);
      // Nobody else's database.
      expect(await rejection(call(on('stock'), 'find_one'))).to.have.property('code', 13);

      expect(await call(shop, 'logout')).to.equal(null);
      expect(await rejection(call(on('shop'), 'find_one'))).to.have.property('code', 13);
      expect(await call(shop, 'logout')).to.equal(null);
    });

    it('checks the password at once', async () => {
      const shop = client.get_database('shop');
      const error = await rejection(call(shop, 'authenticate', 'ann', 'wrong-hush'));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
      expect(error.message).to.include("'ann' on shop by SCRAM-SHA-256").and.include(proxy.address);
      expect(inspect([error, client], { depth: 12, showHidden: true })).not.to.include('wrong-hush');
      expect(await rejection(call(on('shop'), 'find_one'))).to.have.property('code', 13);
      expect(await call(shop, 'authenticate', 'ann', 'ann says hush')).to.equal(true);
      expect(await call(on('shop'), 'find_one')).to.equal(null);
      await eventually(() => countsOf(client).open === 2, 'the connection of the wrong one is closed');
    });

    it('asks the server once', async () => {
      const shop = client.get_database('shop');
      await call(shop, 'authenticate', 'ann', 'ann says hush');
      const before = proxy.commands.length;
      expect(await call(shop, 'authenticate', 'ann', 'ann says hush')).to.equal(true);
      expect(await call(shop, 'authenticate', 'ann', 'ann says hush', { mechanism: 'MONGODB-CR' })).to.equal(true);
      expect(proxy.commands).to.have.length(before);
    });

    it('refuses a second user of a database, until the first has logged out', async () => {
      const shop = client.get_database('shop');
      await call(shop, 'authenticate', 'ann', 'ann says hush');
      const error = await rejection(call(shop, 'authenticate', 'bob', 'bob says hush'));
      expect(error).to.be.instanceOf(OperationFailure).with.property('message').that.includes('logout');
      await call(shop, 'logout');
      expect(await call(shop, 'authenticate', 'bob', 'bob says hush')).to.equal(true);
      await call(on('shop'), 'find_one');
      expect(done()).to.deep.equal(['bob@shop find']);
    });

    it('works ten times at once', async () => {
      const shop = client.get_database('shop');
      const ten = Array.from({ length: 10 }, () => call(shop, 'authenticate', 'ann', 'ann says hush'));
      expect(await Promise.all(ten)).to.deep.equal(Array(10).fill(true));
      expect(logins.accepted).to.have.length(1);
      const both = await Promise.allSettled(
        ['ann', 'bob'].map((name) => call(shop, 'authenticate', name, `${name} says hush`)),
      );
      expect(both.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected']);
    });
  });

  it('lets one of two users in who come at once', async () => {
    const shop = client.get_database('shop');
    const both = await Promise.allSettled(['ann', 'bob'].map((name) => shop.authenticate(name, `${name} says hush`)));
    expect(both.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    await on('shop').find_one();
    const winner = both[0]?.status === 'fulfilled' ? 'ann' : 'bob';
    expect(done()).to.deep.equal([`${winner}@shop find`]);
  });

  it('has several users at once, each on the database of his own', async () => {
    await client.get_database('shop').authenticate('ann', 'ann says hush');
    await client.get_database('stock').authenticate('joe', 'joe says hush');
    await client.get_database('orders').authenticate('bob', 'bob says hush', { source: 'shop' });
    await Promise.all(['shop', 'stock', 'orders', 'shop'].map((name) => on(name).find_one()));
    expect(done().sort()).to.deep.equal(['ann@shop find', 'ann@shop find', 'bob@shop find', 'joe@stock find']);

    // Who is on admin works where nobody else is.
    await client.get_database('admin').authenticate('root', 'root says hush');
    await on('elsewhere').find_one();
    await on('stock').find_one();
    expect(done().slice(4)).to.deep.equal(['root@admin find', 'joe@stock find']);

    await client.get_database('stock').logout();
    await on('stock').find_one();
    await on('shop').find_one();
    expect(done().slice(6)).to.deep.equal(['root@admin find', 'ann@shop find']);
    await client.get_database('admin').logout();
    expect(await rejection(on('stock').find_one())).to.have.property('code', 13);
    await on('shop').find_one();
  });

  it('goes before the user of the connection string, who is not forgotten', async () => {
    await roots.get_database('shop').authenticate('ann', 'ann says hush');
    await on('shop', roots).find_one();
    await on('stock', roots).find_one();
    await roots.get_database('shop').logout();
    await on('shop', roots).find_one();
    expect(done()).to.deep.equal(['ann@shop find', 'root@admin find', 'root@admin find']);
  });

  it('counts the user of the connection string as logged in to his database', async () => {
    const admin = roots.get_database('admin');
    await on('shop', roots).find_one();
    expect(await admin.authenticate('root', 'root says hush')).to.equal(true);
    expect(logins.accepted).to.have.length(1);
    expect(await rejection(admin.authenticate('ann', 'ann says hush', { source: 'shop' }))).to.be.instanceOf(
      OperationFailure,
    );
    await admin.logout();
    expect(await rejection(on('shop', roots).find_one())).to.have.property('code', 13);
    await roots.get_database('shop').authenticate('ann', 'ann says hush');
    await on('shop', roots).find_one();
    expect(done().at(-1)).to.equal('ann@shop find');
  });

  it('closes the connections of who logs out, those in use when they come back', async () => {
    const shop = client.get_database('shop');
    await shop.authenticate('ann', 'ann says hush');
    await Promise.all([on('shop').find_one(), on('shop').find_one()]);
    const under = on('shop').find_one();
    await shop.logout();
    expect(await under).to.equal(null);
    await eventually(() => proxy.connections.open === 0, 'they are closed');
    // Who comes back is checked again.
    expect(await rejection(shop.authenticate('ann', 'wrong'))).to.have.property('code', 18);
    expect(await shop.authenticate('ann', 'ann says hush')).to.equal(true);
    expect(logins.accepted.length).to.be.above(1);
  });

  it('reads cursors as who opened them, exhaust cursors too', async () => {
    const name = uniqueName();
    const things = client.get_database('shop').get_collection(name);
    await client.get_database('shop').authenticate('ann', 'ann says hush');
    try {
      await things.insert(Array.from({ length: 50 }, (_, _id) => ({ _id })));
      expect(await things.find().batch_size(10).to_list(null)).to.have.length(50);
      expect(await things.find({}, { exhaust: true }).batch_size(10).to_list(null)).to.have.length(50);
      const cursor = things.find().batch_size(10);
      await cursor.to_list(5);
      await cursor.close();
      expect(logins.passed).to.include('ann@shop killCursors');
      for (const one of done()) expect(one).to.match(/^ann@shop /);
    } finally {
      await things.drop();
    }
  });

  it('kills a cursor also where nobody but the user has worked', async () => {
    const things = client.get_database('shop').get_collection(uniqueName());
    const outside = newClient().get_database('shop').get_collection(things.name);
    await outside.insert(Array.from({ length: 50 }, (_, _id) => ({ _id })));
    try {
      await client.get_database('shop').authenticate('ann', 'ann says hush');
      const cursor = things.find().batch_size(10);
      await cursor.to_list(5);
      await cursor.close();
      expect(done()).to.deep.equal(['ann@shop find', 'ann@shop killCursors']);
    } finally {
      await outside.drop();
    }
  });

  it('survives lost connections and close()', async () => {
    const shop = client.get_database('shop');
    await shop.authenticate('ann', 'ann says hush');
    proxy.on('find', loseReply());
    expect(await rejection(on('shop').find_one())).to.be.instanceOf(AutoReconnect);
    await on('shop').find_one();
    client.close();
    await on('shop').find_one();
    expect(logins.accepted).to.have.length(3);
    expect(countsOf(client)).to.include({ open: 1, checkedOut: 0, waiting: 0 });
  });

  it('fails with the network, and can be tried again', async () => {
    const shop = client.get_database('shop');
    for (const command of ['hello', 'saslContinue', 'ping']) {
      proxy.on(command, closeFirst());
      expect(await rejection(shop.authenticate('ann', 'ann says hush')), command).to.be.instanceOf(AutoReconnect);
    }
    expect(await shop.authenticate('ann', 'ann says hush')).to.equal(true);
  });

  it('refuses GSSAPI before anything is sent', async () => {
    const error = await rejection(client.get_database('shop').authenticate('ann', null, { mechanism: 'GSSAPI' }));
    expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes('GSSAPI');
    expect(proxy.connections.accepted).to.equal(0);
  });

  it('tells of the commands of all users by the one channel of the client', async () => {
    const names: string[] = [];
    client.events.on('commandSucceeded', ({ commandName }) => names.push(commandName));
    await client.get_database('shop').authenticate('ann', 'ann says hush');
    await on('shop').find_one();
    expect(names).to.deep.equal(['ping', 'find']);
  });

  it('remembers the errors of all users', async () => {
    const things = client.get_database('shop').get_collection(uniqueName());
    await client.get_database('shop').authenticate('ann', 'ann says hush');
    try {
      await things.insert({ _id: 1 });
      await rejection(things.insert({ _id: 1 }));
      expect(await client.get_database('shop').error()).to.have.property('code', 11000);
    } finally {
      await things.drop();
    }
  });
});
