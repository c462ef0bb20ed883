import { expect } from 'chai';
import type { MotorDatabase } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { rejection } from '../support/rejection';

describe('Errors that the client remembers', () => {
  const things = freshCollection();
  const database = (): MotorDatabase => things().database;

  async function fail(): Promise<void> {
    await rejection(things().insert({ _id: 1 }));
  }

  eachForm((call) => {
    it('are none before the first write', async () => {
      expect(await call(database(), 'error')).to.equal(null);
      expect(await call(database(), 'previous_error')).to.equal(null);
      expect(await call(database(), 'last_status')).to.deep.equal({ err: null, n: 0, ok: 1 });
      expect(await call(database(), 'reset_error_history')).to.equal(null);
    });

    it('tell of the last write, and of the last error with the writes since', async () => {
      await things().insert({ _id: 1 });
      await fail();
      expect(await call(database(), 'error')).to.include({ code: 11000, n: 0, ok: 1 });
      expect((await call(database(), 'error'))?.err)
        .to.be.a('string')
        .that.includes('duplicate key');
      expect(await call(database(), 'previous_error')).to.include({ code: 11000, nPrev: 1 });

      await things().update({ _id: 1 }, { $set: { a: 1 } });
      expect(await call(database(), 'error')).to.equal(null);
      expect(await call(database(), 'last_status')).to.deep.equal({ err: null, n: 1, ok: 1, updatedExisting: true });
      expect(await call(database(), 'previous_error')).to.include({ code: 11000, nPrev: 2 });

      await call(database(), 'reset_error_history');
      expect(await call(database(), 'previous_error')).to.equal(null);
      expect(await call(database(), 'last_status')).to.deep.equal({ err: null, n: 0, ok: 1 });
    });
  });

  it('have a status for each kind of write', async () => {
    const status = () => database().last_status();
    await things().insert([{ _id: 1 }, { _id: 2 }]);
    expect(await status()).to.deep.equal({ err: null, n: 0, ok: 1 });
    await things().update({ _id: 5 }, { $set: { a: 1 } }, { upsert: true });
    expect(await status()).to.deep.equal({ err: null, n: 1, ok: 1, updatedExisting: false, upserted: 5 });
    await things().update({ _id: 99 }, { $set: { a: 1 } });
    expect(await status()).to.deep.equal({ err: null, n: 0, ok: 1, updatedExisting: false });
    await things().save({ _id: 1, a: 1 });
    expect(await status()).to.deep.equal({ err: null, n: 1, ok: 1, updatedExisting: true });
    await things().remove({ _id: { $lt: 3 } });
    expect(await status()).to.deep.equal({ err: null, n: 2, ok: 1 });
    await things().find_and_modify({ _id: 5 }, { $set: { secret: 'x' } });
    expect(await status()).to.deep.equal({ err: null, n: 1, ok: 1, updatedExisting: true });
    await things().find_one();
    expect(await status()).to.deep.include({ n: 1, updatedExisting: true });
  });

  it('are kept by database, and by client', async () => {
    await things().insert({ _id: 1 });
    await fail();
    expect(await database().connection.get_database(`${DATABASE}_other`).error()).to.equal(null);
    expect(await database().connection.get_database(DATABASE).error()).to.include({ code: 11000 });
    expect(await newClient().get_database(DATABASE).error()).to.equal(null);
  });

  it('know nothing of unacknowledged writes: they count as ones without error', async () => {
    await things().insert({ _id: 1 });
    await fail();
    await things().insert({ _id: 1 }, { w: 0 });
    expect(await database().error()).to.equal(null);
    expect(await database().previous_error()).to.include({ nPrev: 2 });
  });

  it('hear of commands that failed as a whole, and of write concerns that were not met', async () => {
    const proxy = await newProxy();
    const other = newClient(proxy).get_database(DATABASE);
    proxy.on('insert', answer({ ok: 0, code: 13, errmsg: 'not authorized' }));
    await rejection(other.get_collection(things().name).insert({}));
    expect(await other.last_status()).to.deep.equal({ err: 'not authorized', code: 13, n: 0, ok: 1 });
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out', errInfo: { wtimeout: true } };
    proxy.on('delete', answer({ ok: 1, n: 1, writeConcernError }));
    await rejection(other.get_collection(things().name).remove({}));
    expect(await other.error()).to.include({ code: 64, n: 1, wtimeout: true });
  });

  it('are what getLastError and its relatives answer, which are never sent', async () => {
    const proxy = await newProxy();
    const other = newClient(proxy).get_database(DATABASE);
    await other.get_collection(things().name).insert({ _id: 1 });
    await rejection(other.get_collection(things().name).insert({ _id: 1 }));
    const options = { w: 1, wtimeout: 5, j: true, fsync: false };
    expect(await other.command('getlasterror', options)).to.include({ code: 11000, ok: 1 });
    expect(await other.command({ getLastError: 1 })).to.include({ code: 11000, ok: 1 });
    expect(await other.command('getPrevError')).to.include({ code: 11000, nPrev: 1, ok: 1 });
    expect(await other.get_collection('$cmd').find_one({ getlasterror: 1 })).to.include({ code: 11000 });
    expect(await other.command('resetError')).to.deep.equal({ ok: 1 });
    expect(await other.command('getpreverror')).to.deep.equal({ err: null, n: 0, nPrev: -1, ok: 1 });
    expect(proxy.names).to.deep.equal(['insert', 'insert']);
  });
});
