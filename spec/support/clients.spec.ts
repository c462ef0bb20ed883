import { expect } from 'chai';
import { countsOf, DATABASE, eachForm, freshCollection, mochaHooks, newClient, newProxy, uniqueName } from './clients';
import { hang } from './faults';
import { server } from './hooks';
import { runRaw } from './rawClient';
import { rejection } from './rejection';

describe('the clients of the tests', () => {
  const things = freshCollection();
  const names: string[] = [];

  for (const turn of ['first', 'second']) {
    it(`have a collection of their own for the ${turn} test`, async () => {
      expect(names).not.to.include(things().name);
      names.push(things().name);
      expect(await things().count()).to.equal(0);
      await things().insert({ _id: 1 });
    });
  }

  it('leave no collection behind', async () => {
    const { cursor } = await runRaw(server(), DATABASE, { listCollections: 1, nameOnly: true });
    const left = cursor.firstBatch.map(({ name }: { name: string }) => name);
    expect(names).to.have.length(2);
    for (const name of names) expect(left).not.to.include(name);
  });

  eachForm((call) => {
    it('are called in both forms', async () => {
      const id: unknown = await call(things(), 'insert', { _id: 7 });
      expect(id).to.equal(7);
      expect(await call(things(), 'find_one', 7)).to.deep.equal({ _id: 7 });
      expect(await rejection(call(things(), 'insert', { _id: 7 }))).to.be.instanceOf(Error);
      expect(await call(things(), 'find_one', 8)).to.equal(null);
    });
  });

  it('fail a test that leaves an operation under way', async () => {
    const proxy = await newProxy();
    proxy.on('find', hang());
    const client = newClient(proxy);
    const collection = client.get_database(DATABASE).get_collection(uniqueName());
    const test = { fn: () => void collection.find_one().catch(() => undefined) };
    mochaHooks.beforeEach.call({ currentTest: test } as unknown as Mocha.Context);
    const error = await rejection(test.fn.call(null) as unknown as Promise<void>);
    expect(error.message).to.include('has nothing checked out');
    expect(countsOf(client)).to.include({ checkedOut: 1 });
    client.close();
  });
});
