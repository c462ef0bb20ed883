import type { Document } from 'bson';
import { expect } from 'chai';
import { ConfigurationError, type MotorDatabase, OperationFailure, ValueError } from '../../lib/index';
import { DATABASE, eachForm, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { needs } from '../support/needs';
import type { FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';
import { collectWarnings } from '../support/warnings';

type Loose = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** A database behind a proxy that knows these users. */
async function withUsers(users: Document[], name = DATABASE): Promise<{ database: MotorDatabase; proxy: FaultProxy }> {
  const proxy = await newProxy();
  proxy.on('usersInfo', answer({ ok: 1, users }), 20);
  for (const command of ['createUser', 'updateUser', 'dropUser']) proxy.on(command, answer({ ok: 1 }), 20);
  return { database: newClient(proxy, { w: 0 }).get_database(name), proxy };
}

const lastOf = (proxy: FaultProxy): Document => (proxy.commands.at(-1) as { document: Document }).document;

describe('Users', () => {
  const warnings = collectWarnings();

  eachForm((call) => {
    it('are created, or changed if they exist', async () => {
      const { database, proxy } = await withUsers([]);
      expect(await call(database, 'add_user', 'ann', 'pw', { roles: ['read'], customData: { a: 1 } })).to.equal(null);
      expect(proxy.names).to.deep.equal(['usersInfo', 'createUser']);
      expect(lastOf(proxy)).to.deep.include({ createUser: 'ann', pwd: 'pw', roles: ['read'], customData: { a: 1 } });
      expect(lastOf(proxy)).not.to.have.any.keys('writeConcern', 'read_only', 'digestPassword');

      const other = await withUsers([{ user: 'ann' }]);
      expect(await call(other.database, 'add_user', 'ann', 'new')).to.equal(null);
      expect(lastOf(other.proxy)).to.deep.include({ updateUser: 'ann', pwd: 'new' }).and.not.have.property('roles');
    });

    it('are removed', async () => {
      const { database, proxy } = await withUsers([]);
      expect(await call(database, 'remove_user', 'ann')).to.equal(null);
      expect(lastOf(proxy)).to.include({ dropUser: 'ann', $db: DATABASE });
      proxy.clear();
      proxy.on('dropUser', answer({ ok: 0, code: 11, errmsg: 'no such user' }));
      expect(await rejection(call(database, 'remove_user', 'ann')))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 11);
    });
  });

  it('get a role and a warning where none is named', async () => {
    for (const [name, kw, role] of [
      [DATABASE, {}, 'dbOwner'],
      [DATABASE, { read_only: false }, 'dbOwner'],
      [DATABASE, { read_only: true }, 'read'],
      [DATABASE, { read_only: 'true' }, 'read'],
      ['admin', {}, 'root'],
      ['admin', { read_only: true }, 'readAnyDatabase'],
    ] as const) {
      const before = warnings().length;
      const { database, proxy } = await withUsers([], name);
      await database.add_user('ann', 'pw', kw as { read_only?: boolean });
      expect(lastOf(proxy)).to.deep.include({ createUser: 'ann', roles: [role], $db: name });
      expect(warnings().slice(before)).to.have.length(1);
      expect(warnings().at(-1)).to.include(role).and.not.include('pw');
    }
    const { database, proxy } = await withUsers([{ user: 'ann' }]);
    await database.add_user('ann', null, { read_only: true });
    expect(lastOf(proxy))
      .to.deep.include({ updateUser: 'ann', roles: ['read'] })
      .and.not.have.property('pwd');
  });

  it('may be the first, whom nobody may ask about', async () => {
    const { database, proxy } = await withUsers([]);
    proxy.clear();
    proxy.on('usersInfo', answer({ ok: 0, code: 13, errmsg: 'not authorized' }));
    proxy.on('createUser', answer({ ok: 1 }));
    await database.add_user('ann', 'pw', { roles: [] });
    expect(proxy.names).to.deep.equal(['usersInfo', 'createUser']);
    proxy.on('usersInfo', answer({ ok: 0, code: 59, errmsg: 'no such command' }));
    expect(await rejection(database.add_user('ann', 'pw', { roles: [] }))).to.have.property('code', 59);
  });

  it('are checked before anything is sent', async () => {
    const { database, proxy } = await withUsers([]);
    const loose = database as unknown as Loose;
    for (const [args, kind] of [
      [[5, 'pw'], TypeError],
      [[null, 'pw'], TypeError],
      [['ann', 5], TypeError],
      [['ann', 'pw', { read_only: 1 }], TypeError],
      [['ann', ''], ValueError],
      [['ann', 'pw', { read_only: 'yes' }], ConfigurationError],
      [['ann', 'pw', { read_only: true, roles: [] }], ConfigurationError],
      [['ann', 'pw', { digestPassword: false }], ConfigurationError],
    ] as const) {
      expect(await rejection(loose.add_user?.(...args) as Promise<unknown>)).to.be.instanceOf(kind);
    }
    for (const bad of [5, null, undefined, {}]) {
      expect(await rejection(loose.remove_user?.(bad) as Promise<unknown>)).to.be.instanceOf(TypeError);
    }
    for (const [args, kind] of [
      [[5, 'pw'], TypeError],
      [['ann', 5], TypeError],
      [['ann'], TypeError],
      [['ann', null], TypeError],
      [['ann', 'pw', { mechanism: 'foo' }], ConfigurationError],
      [['ann', 'pw', { source: 5 }], TypeError],
      [['ann', 'pw', { nothing: 1 }], TypeError],
    ] as const) {
      expect(await rejection(loose.authenticate?.(...args) as Promise<unknown>)).to.be.instanceOf(kind);
    }
    expect(proxy.names).to.deep.equal([]);
  });

  describe('of a real server', () => {
    needs('users');

    it('come and go', async () => {
      const database = newClient().get_database(DATABASE);
      await database.add_user('somebody', 'secret', { roles: ['read'] });
      expect((await database.command('usersInfo', 'somebody')).users).to.have.length(1);
      await database.remove_user('somebody');
      expect(await rejection(database.remove_user('somebody'))).to.have.property('code', 11);
    });
  });
});
